import { operationsSuite } from '../conformance/record/operations.ts';
import { patient } from '../support/patient.ts';
import { openTestRecord } from '../support/record.ts';

operationsSuite('PGlite', async () => patient(await openTestRecord()));
