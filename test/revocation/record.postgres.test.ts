import { inject } from 'vitest';
import { describeFollower } from '../conformance/follower.ts';
import { describeHandIn } from '../conformance/hand-in.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

const open = async () => patient(await openPostgresTestRecord(inject('postgresUrl')));

describeFollower('PostgreSQL', open);
describeHandIn('PostgreSQL', open);
