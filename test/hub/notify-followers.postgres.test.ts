import { inject } from 'vitest';
import { describeFollower } from '../conformance/follower.ts';
import { notifyHubs } from '../support/notify-hub.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

describeFollower(
  'PostgreSQL with NOTIFY between the nodes',
  () => openPostgresTestRecord(inject('postgresUrl')),
  ({ url }) => notifyHubs(url),
);
