import { describeFollower } from '../conformance/follower.ts';
import { describeHandIn } from '../conformance/hand-in.ts';
import { patient } from '../support/patient.ts';
import { openTestRecord } from '../support/record.ts';

const open = async () => patient(await openTestRecord());

describeFollower('PGlite', open);
describeHandIn('PGlite', open);
