import { attemptSuite } from '../conformance/record/attempts.ts';
import { peopleSuite } from '../conformance/record/people.ts';
import { upkeepSuite } from '../conformance/record/upkeep.ts';
import { openTestRecord } from '../support/record.ts';

attemptSuite('PGlite', openTestRecord);
peopleSuite('PGlite', openTestRecord);
upkeepSuite('PGlite', openTestRecord);
