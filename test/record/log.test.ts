import { batchSuite } from '../conformance/record/batch.ts';
import { changeSuite } from '../conformance/record/changes.ts';
import { commitSuite } from '../conformance/record/commit.ts';
import { protocolSuite } from '../conformance/record/protocol.ts';
import { openTestRecord } from '../support/record.ts';

batchSuite('PGlite', openTestRecord);
commitSuite('PGlite', openTestRecord);
changeSuite('PGlite', openTestRecord);
protocolSuite('PGlite', openTestRecord);
