import type { Clock } from '../clock.ts';
import type { SeenHub, SeenTime } from '../hub/seen-contract.ts';
import type { Log } from '../observe/log.ts';
import type { SessionStore } from '../record/contract.ts';
import type { SweepStore } from '../record/sweep-contract.ts';
import { MAX_SKEW_MS } from '../revocation/constants.ts';

const SESSIONS_A_WRITE = 500;
/** Without the hub for so long, or with so many waiting, last-seen goes straight to the record. */
const DIRECT_AFTER_MS = 15_000;
const DIRECT_ABOVE = 20_000;
/** How long a tenant's idle time-out is believed, and how many are kept. */
const IDLE_KEPT_MS = 300_000;
const IDLE_MOST = 50_000;
/** Idle time-out of tenants of which nothing is known: the longest that a policy allows. */
const LONGEST_IDLE_S = 30 * 86_400;
/**
 * How much longer than the idle time-out the hub keeps a time: longer than it takes to write the next one, so that what
 * expires there belongs to a session that is idle in truth.
 */
const LIFE_MARGIN_MS = 120_000;
/** A clock that is slewed may go back by less than this. */
const THROUGH_MARGIN_MS = 1_000;

/** What was collected since the last time, and everything that could not be written then. */
export interface SeenBatch {
  readonly seen: readonly SeenTime[];
  /** The time before which whatever was seen is in this batch or was written earlier. */
  readonly throughMs: number;
  /** Some was left out for want of room. */
  readonly dropped: boolean;
  /** The last batch of this node. */
  readonly last: boolean;
}

/** Where last-seen times are written. */
export interface SeenDestination {
  /** Resolves with what could not be written. Never rejects. */
  write(batch: SeenBatch): Promise<readonly SeenTime[]>;
}

export interface RecordDestinationOptions {
  readonly sweep: Pick<SweepStore, 'lost' | 'mark'>;
  readonly touch: SessionStore['touch'];
  readonly memberId: () => string;
  readonly log: Log;
}

/** Straight to the record, in small parts, and then how far this node has written. */
export function recordDestination(options: RecordDestinationOptions): SeenDestination {
  const { sweep, touch, memberId, log } = options;
  let owesLoss = false;
  return {
    async write({ seen, throughMs, dropped }) {
      owesLoss ||= dropped;
      const written = await writeParts(touch, seen);
      try {
        if (written.error !== null) throw written.error;
        if (owesLoss) await sweep.lost(throughMs);
        owesLoss = false;
        await sweep.mark(memberId(), throughMs - THROUGH_MARGIN_MS);
      } catch (error) {
        const sessions = written.left.length;
        log.warn({ err: error, sessions }, 'last-seen could not be written; kept');
      }
      return written.left;
    },
  };
}

export interface HubDestinationOptions {
  readonly hub: SeenHub;
  readonly sweep: Pick<SweepStore, 'lost' | 'idleTimeouts'>;
  readonly touch: SessionStore['touch'];
  readonly memberId: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Into the hub, from where a sweep brings it to the record. While the hub is away it is kept, and after a while written
 * straight to the record; nothing is said of how far this node has written then, so `swept through` stands still.
 */
export function hubDestination(options: HubDestinationOptions): SeenDestination {
  const { hub, sweep, touch, memberId, clock, log } = options;
  const lives = createLives(sweep, clock);
  let owesLoss = false;
  let awaySinceMs: number | null = null;

  async function noteLoss(nowMs: number): Promise<void> {
    try {
      await sweep.lost(nowMs);
      owesLoss = false;
      hub.lossNoted();
      log.warn({}, 'last-seen times were lost: sessions that were in use count as seen now');
    } catch (error) {
      // Until then this node leaves no marks, and nobody grows idle.
      log.warn({ err: error }, 'a loss of last-seen times could not be noted; it is tried again');
    }
  }

  async function direct(seen: readonly SeenTime[]): Promise<readonly SeenTime[]> {
    const { left, error } = await writeParts(touch, seen);
    const sessions = left.length;
    if (error !== null) log.warn({ err: error, sessions }, 'last-seen could not be written; kept');
    return left;
  }

  return {
    async write({ seen, throughMs, dropped, last }) {
      owesLoss ||= dropped;
      if (owesLoss) await noteLoss(throughMs);
      let unwritten = seen;
      if (hub.connected()) {
        const lifeOf = await lives(seen);
        const withLife = seen.map((one) => ({ ...one, lifeMs: lifeOf(one.tid) }));
        const times = {
          throughMs: owesLoss ? null : throughMs - THROUGH_MARGIN_MS,
          // WALL TIME: no node's time is further ahead; what somebody else put there must not stay for ever.
          latestMs: throughMs + MAX_SKEW_MS,
        };
        const written = await hub.write(memberId(), times, withLife);
        unwritten = written.unwritten;
        if (written.lost) {
          owesLoss = true;
          await noteLoss(throughMs);
        }
      }
      if (unwritten.length === 0 && hub.connected()) {
        awaySinceMs = null;
        return [];
      }
      awaySinceMs ??= clock.monotonicMs();
      const waitedMs = clock.monotonicMs() - awaySinceMs;
      const isDirect = last || waitedMs >= DIRECT_AFTER_MS || unwritten.length > DIRECT_ABOVE;
      return isDirect ? direct(unwritten) : unwritten;
    },
  };
}

/** Writes to the record in small parts. Nothing is said of how far this node has written. */
async function writeParts(
  touch: SessionStore['touch'],
  seen: readonly SeenTime[],
): Promise<{ readonly left: readonly SeenTime[]; readonly error: unknown }> {
  let from = 0;
  try {
    for (; from < seen.length; from += SESSIONS_A_WRITE) {
      await touch(seen.slice(from, from + SESSIONS_A_WRITE), 0);
    }
    return { left: [], error: null };
  } catch (error) {
    return { left: seen.slice(from), error };
  }
}

/** How long the hub keeps a tenant's last-seen times; a statement for all tenants that are not known yet. */
function createLives(sweep: Pick<SweepStore, 'idleTimeouts'>, clock: Clock) {
  let known = new Map<string, { readonly idleS: number; readonly untilMs: number }>();

  async function learn(tids: readonly string[]): Promise<void> {
    if (known.size + tids.length > IDLE_MOST) known = new Map();
    const untilMs = clock.monotonicMs() + IDLE_KEPT_MS;
    for (const [tid, idleS] of await sweep.idleTimeouts(tids)) known.set(tid, { idleS, untilMs });
  }

  return async (seen: readonly SeenTime[]): Promise<(tid: string) => number> => {
    const nowMs = clock.monotonicMs();
    const tids = new Set<string>();
    for (const { tid } of seen) if ((known.get(tid)?.untilMs ?? 0) <= nowMs) tids.add(tid);
    // Without an answer the last word counts, or the longest.
    if (tids.size > 0) await learn([...tids]).catch(() => {});
    return (tid) => (known.get(tid)?.idleS ?? LONGEST_IDLE_S) * 1000 + LIFE_MARGIN_MS;
  };
}
