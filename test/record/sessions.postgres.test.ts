import { inject } from 'vitest';
import { deviceCapSuite } from '../conformance/record/device-cap.ts';
import { lostAnswerSuite } from '../conformance/record/lost-answers.ts';
import { refreshSuite } from '../conformance/record/refresh.ts';
import { refreshPropertySuite } from '../conformance/record/refresh-properties.ts';
import { sessionSuite } from '../conformance/record/sessions.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

const open = async () => patient(await openPostgresTestRecord(inject('postgresUrl')));

deviceCapSuite('PostgreSQL', open);
refreshSuite('PostgreSQL', open);
lostAnswerSuite('PostgreSQL', open);
refreshPropertySuite('PostgreSQL', open);
sessionSuite('PostgreSQL', open);
