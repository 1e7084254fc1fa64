import { deviceCapSuite } from '../conformance/record/device-cap.ts';
import { refreshSuite } from '../conformance/record/refresh.ts';
import { sessionSuite } from '../conformance/record/sessions.ts';
import { openTestRecord } from '../support/record.ts';

deviceCapSuite('PGlite', openTestRecord);
refreshSuite('PGlite', openTestRecord);
sessionSuite('PGlite', openTestRecord);
