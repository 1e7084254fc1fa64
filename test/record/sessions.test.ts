import { deviceCapSuite } from '../conformance/record/device-cap.ts';
import { lostAnswerSuite } from '../conformance/record/lost-answers.ts';
import { refreshSuite } from '../conformance/record/refresh.ts';
import { refreshPropertySuite } from '../conformance/record/refresh-properties.ts';
import { sessionSuite } from '../conformance/record/sessions.ts';
import { patient } from '../support/patient.ts';
import { openTestRecord } from '../support/record.ts';

const open = async () => patient(await openTestRecord());

deviceCapSuite('PGlite', open);
refreshSuite('PGlite', open);
lostAnswerSuite('PGlite', open);
refreshPropertySuite('PGlite', open);
sessionSuite('PGlite', open);
