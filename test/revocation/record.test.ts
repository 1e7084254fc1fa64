import { describeFollower } from '../conformance/follower.ts';
import { openTestRecord } from '../support/record.ts';

describeFollower('PGlite', openTestRecord);
