import { describeFollower } from '../conformance/follower.ts';
import { describeHandIn } from '../conformance/hand-in.ts';
import { openTestRecord } from '../support/record.ts';

describeFollower('PGlite', openTestRecord);
describeHandIn('PGlite', openTestRecord);
