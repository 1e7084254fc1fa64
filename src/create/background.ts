import { createTally } from '../audit/tally.ts';
import { createTrail } from '../audit/trail.ts';
import type { Clock } from '../clock.ts';
import type { Hub } from '../hub/contract.ts';
import type { Log } from '../observe/log.ts';
import type { RecordStore } from '../record/contract.ts';
import type { Follower } from '../revocation/contract.ts';
import { createActivity } from '../session/activity.ts';
import type { Levels } from '../session/log-levels.ts';
import { createMaintenance } from '../session/maintenance.ts';
import { createOperations } from '../session/operations.ts';
import { createPause } from '../session/pause.ts';
import { hubDestination, recordDestination } from '../session/seen.ts';
import type { Services } from '../session/services.ts';
import { createSweeper } from '../session/sweep.ts';
import type { KeyRing } from '../token/secrets.ts';
import type { RedisStores } from './redis.ts';

export interface BackgroundParts {
  readonly record: RecordStore;
  /** Where last-seen times and login attempts are kept besides; null without Redis. */
  readonly redis: RedisStores | null;
  readonly hub: Hub;
  /** Null: a logger of the program's own. */
  readonly levels: Levels | null;
  readonly ring: KeyRing;
  readonly issuer: () => string;
  readonly log: Log;
  readonly clock: Clock;
}

/** What runs beside the requests; each is closed while record and hub can still be written. */
export function startBackground(
  parts: BackgroundParts,
  follower: Follower,
  closers: (() => unknown)[],
): Pick<Services, 'tally' | 'trail' | 'activity' | 'maintenance' | 'operations'> {
  const { record, redis, hub, levels, ring, issuer, log, clock } = parts;
  const { sweep } = record;
  const wallNowMs = (): number => follower.wallNowMs();
  const memberId = (): string => follower.memberId;
  const touch = record.sessions.touch.bind(record.sessions);
  const listMembers = record.members.list.bind(record.members);
  const pause = createPause({ store: sweep, clock });
  const seen = redis === null ? null : redis.seen();

  const tally = createTally({
    ...{ clock, wallNowMs, log },
    write: record.audit.append.bind(record.audit),
  });
  const destination =
    seen === null
      ? recordDestination({ sweep, touch, memberId, log })
      : hubDestination({ hub: seen, sweep, touch, memberId, clock, log });
  const activity = createActivity({ clock, wallNowMs, destination });
  const sweeper =
    seen === null
      ? null
      : createSweeper({
          ...{ hub: seen, store: sweep, touch, listMembers, memberId },
          ...{ pause, clock, wallNowMs, log },
        });
  const maintenance = createMaintenance({
    ...{ clock, wallNowMs, memberId, store: record.maintenance, cleanup: record.cleanup },
    ...{ pause, sweeper, log },
    embedded: record.kind === 'pglite',
  });
  const operations = createOperations({
    ...{ store: record.operations, hub, pause, levels, memberId, clock, wallNowMs, log },
  });
  const trail = createTrail({
    ...{ store: record.trail, ring, issuer, memberId, pause, clock, wallNowMs, log },
  });
  // What any node says of a tenant stands in the trail by then.
  const stopHearing = hub.onEvent(() => trail.sealer.nudge());
  closers.push(
    stopHearing,
    () => operations.close(),
    () => trail.close(),
    () => tally.close(),
    () => activity.close(),
    () => maintenance.close(),
  );
  return { tally, trail, activity, maintenance, operations };
}

/** The record with Redis in front of its login attempts (docs/decisions/0010). */
export function withRedisAttempts(
  { record, redis, ring }: BackgroundParts,
  closers: (() => unknown)[],
): RecordStore {
  if (redis === null) return record;
  const attempts = redis.attempts(record.attempts, ring.newest.key('login-attempt-name'));
  closers.push(() => attempts.close());
  return { ...record, attempts };
}
