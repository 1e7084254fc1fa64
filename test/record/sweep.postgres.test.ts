import { inject } from 'vitest';
import { sweepSuite } from '../conformance/record/sweep.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

sweepSuite('PostgreSQL', async () => patient(await openPostgresTestRecord(inject('postgresUrl'))));
