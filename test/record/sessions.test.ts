import { deviceCapSuite } from '../conformance/record/device-cap.ts';
import { refreshSuite } from '../conformance/record/refresh.ts';
import { sessionSuite } from '../conformance/record/sessions.ts';
import { patient } from '../support/patient.ts';
import { openTestRecord } from '../support/record.ts';

const open = async () => patient(await openTestRecord());

deviceCapSuite('PGlite', open);
refreshSuite('PGlite', open);
sessionSuite('PGlite', open);
