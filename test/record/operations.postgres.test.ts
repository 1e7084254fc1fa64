import { inject } from 'vitest';
import { operationsSuite } from '../conformance/record/operations.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

operationsSuite('PostgreSQL', async () =>
  patient(await openPostgresTestRecord(inject('postgresUrl'))),
);
