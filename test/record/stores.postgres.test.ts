import { inject } from 'vitest';
import { attemptSuite } from '../conformance/record/attempts.ts';
import { clientSuite } from '../conformance/record/clients.ts';
import { peopleSuite } from '../conformance/record/people.ts';
import { tenantSuite } from '../conformance/record/tenants.ts';
import { upkeepSuite } from '../conformance/record/upkeep.ts';
import { watchingSuite } from '../conformance/record/watching.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

const open = async () => patient(await openPostgresTestRecord(inject('postgresUrl')));

attemptSuite('PostgreSQL', open);
clientSuite('PostgreSQL', open);
peopleSuite('PostgreSQL', open);
tenantSuite('PostgreSQL', open);
upkeepSuite('PostgreSQL', open);
watchingSuite('PostgreSQL', open);
