import { sweepSuite } from '../conformance/record/sweep.ts';
import { patient } from '../support/patient.ts';
import { openTestRecord } from '../support/record.ts';

sweepSuite('PGlite', async () => patient(await openTestRecord()));
