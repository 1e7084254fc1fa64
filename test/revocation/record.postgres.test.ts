import { inject } from 'vitest';
import { describeFollower } from '../conformance/follower.ts';
import { describeHandIn } from '../conformance/hand-in.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

const open = () => openPostgresTestRecord(inject('postgresUrl'));

describeFollower('PostgreSQL', open);
describeHandIn('PostgreSQL', open);
