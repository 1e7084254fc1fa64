import { inject } from 'vitest';
import { deviceCapSuite } from '../conformance/record/device-cap.ts';
import { refreshSuite } from '../conformance/record/refresh.ts';
import { sessionSuite } from '../conformance/record/sessions.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

const open = async () => patient(await openPostgresTestRecord(inject('postgresUrl')));

deviceCapSuite('PostgreSQL', open);
refreshSuite('PostgreSQL', open);
sessionSuite('PostgreSQL', open);
