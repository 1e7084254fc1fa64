import { inject } from 'vitest';
import { trailSuite } from '../conformance/record/trail.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

trailSuite('PostgreSQL', async () => patient(await openPostgresTestRecord(inject('postgresUrl'))));
