import { trailSuite } from '../conformance/record/trail.ts';
import { patient } from '../support/patient.ts';
import { openTestRecord } from '../support/record.ts';

trailSuite('PGlite', async () => patient(await openTestRecord()));
