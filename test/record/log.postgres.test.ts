import { inject } from 'vitest';
import { changeSuite } from '../conformance/record/changes.ts';
import { commitSuite } from '../conformance/record/commit.ts';
import { protocolSuite } from '../conformance/record/protocol.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

const open = () => openPostgresTestRecord(inject('postgresUrl'));

commitSuite('PostgreSQL', open);
changeSuite('PostgreSQL', open);
protocolSuite('PostgreSQL', open);
