import { attemptSuite } from '../conformance/record/attempts.ts';
import { clientSuite } from '../conformance/record/clients.ts';
import { peopleSuite } from '../conformance/record/people.ts';
import { tenantSuite } from '../conformance/record/tenants.ts';
import { upkeepSuite } from '../conformance/record/upkeep.ts';
import { watchingSuite } from '../conformance/record/watching.ts';
import { patient } from '../support/patient.ts';
import { openTestRecord } from '../support/record.ts';

const open = async () => patient(await openTestRecord());

attemptSuite('PGlite', open);
clientSuite('PGlite', open);
peopleSuite('PGlite', open);
tenantSuite('PGlite', open);
upkeepSuite('PGlite', open);
watchingSuite('PGlite', open);
