import { inject } from 'vitest';
import { batchSuite } from '../conformance/record/batch.ts';
import { changeSuite } from '../conformance/record/changes.ts';
import { commitSuite } from '../conformance/record/commit.ts';
import { protocolSuite } from '../conformance/record/protocol.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

const open = () => openPostgresTestRecord(inject('postgresUrl'));

batchSuite('PostgreSQL', open);
commitSuite('PostgreSQL', open);
changeSuite('PostgreSQL', open);
protocolSuite('PostgreSQL', open);
