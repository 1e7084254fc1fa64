import { inject } from 'vitest';
import { describeFollower } from '../conformance/follower.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

describeFollower('PostgreSQL', () => openPostgresTestRecord(inject('postgresUrl')));
