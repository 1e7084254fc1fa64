import type { Clock } from '../clock.ts';
import type { SeenHub, SeenSweep, SeenTime } from '../hub/seen-contract.ts';
import type { Log } from '../observe/log.ts';
import type { MemberRow, SessionStore } from '../record/contract.ts';
import type { SweepClaim, SweepProgress, SweepStore } from '../record/sweep-contract.ts';
import { MAX_SKEW_MS } from '../revocation/constants.ts';
import { createRounds } from '../rounds.ts';
import type { SweepStatus } from './contract.ts';
import type { Pause } from './pause.ts';

const LOOK_EVERY_MS = 5_000;
const SWEEP_EVERY_MS = 30_000;
/** How long a node that died keeps the others from sweeping, and how often one that lives renews. */
const CLAIM_MS = 15_000;
const RENEW_EVERY_MS = 1_000;
const SESSIONS_A_WRITE = 500;
/** A batch that cannot be read is read again; after so many failures in a row the sweep is given up. */
const REST_MS = 500;
const MOST_FAILURES = 10;
/** Marks of nodes that left this long ago are removed. */
const FORGET_AFTER_MS = 3_600_000;

export interface SweeperOptions {
  readonly hub: SeenHub;
  readonly store: SweepStore;
  readonly touch: SessionStore['touch'];
  readonly listMembers: () => Promise<readonly MemberRow[]>;
  readonly memberId: () => string;
  readonly pause: Pause;
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly log: Log;
  /** How often it looks whether it is its turn, 5 s by default, and from one sweep's beginning to the next one's, 30 s. */
  readonly lookEveryMs?: number;
  readonly sweepEveryMs?: number;
}

export interface Sweeper {
  /** One sweep, now, if it is this node's turn; ends early when another node takes over, or on `close`. */
  run(): Promise<void>;
  status(): SweepStatus;
  close(): Promise<void>;
}

type Claimed = Extract<SweepClaim, { kind: 'claimed' }>;

/** It cannot go on; the next one begins anew. */
class Abandoned extends Error {}

/**
 * Brings last-seen times from the hub to the record, one node at a time (docs/decisions/0014): everything that is there, in
 * small batches, and then says up to when all is written.
 */
export function createSweeper(options: SweeperOptions): Sweeper {
  const { hub, store, touch, memberId, pause, clock, wallNowMs, log } = options;
  const { lookEveryMs = LOOK_EVERY_MS, sweepEveryMs = SWEEP_EVERY_MS } = options;
  let status: Omit<SweepStatus, 'state'> = {
    ...{ holder: null, number: 0, keysSeen: 0, swept: 0, mastersDone: 0, masters: 0 },
    ...{ sweptThroughMs: null, lastFinishedAtMs: null, heldBackBy: null, failures: 0 },
  };
  let renewedAtMs = 0;
  const rounds = createRounds({ clock, round, everyMs: () => lookEveryMs });

  function show(sweep: SeenSweep, swept: number): SweepProgress {
    const progress = { ...sweep.progress, swept };
    status = { ...status, ...progress };
    return progress;
  }

  /** Waits while it is paused, and keeps the claim. @throws Abandoned when it is another node's. */
  async function mayGoOn(claim: Claimed, progress: SweepProgress): Promise<void> {
    for (;;) {
      if (rounds.closed) throw new Abandoned('closed');
      const isPaused = await pause.ask();
      if (clock.monotonicMs() - renewedAtMs >= RENEW_EVERY_MS) {
        renewedAtMs = clock.monotonicMs();
        const isOurs = await store.renew(memberId(), claim.number, CLAIM_MS, progress);
        if (!isOurs) throw new Abandoned('another node sweeps');
      }
      if (!isPaused) return;
      await rounds.rest(REST_MS);
    }
  }

  /**
   * Up to when everything that any node noted has been left in the hub, or written to the record. The members are listed *after* the marks were
   * read: who is not among them then has either written all it noted, before it left and before the scan, or has noted
   * nothing yet that is older than the marks. A member that has left no mark has noted nothing before it joined.
   */
  async function throughOf(claim: Claimed, sweep: SeenSweep): Promise<number> {
    const members = await options.listMembers();
    let throughMs = wallNowMs();
    let heldBackBy: string | null = null;
    for (const { id, joinedAtMs } of members) {
      const ownMs = Math.max(
        sweep.through.get(id) ?? joinedAtMs,
        // A node without the hub writes to the record itself.
        claim.marks[id] ?? joinedAtMs,
      );
      if (ownMs >= throughMs) continue;
      throughMs = ownMs;
      heldBackBy = id;
    }
    status = { ...status, heldBackBy };
    const there = new Set(members.map(({ id }) => id));
    const gone = [...sweep.through].filter(
      ([id, atMs]) => !there.has(id) && atMs < throughMs - FORGET_AFTER_MS,
    );
    await hub.forget(gone.map(([id]) => id));
    return throughMs;
  }

  /** What was lost since the last sweep, by nodes that may be gone: the marker is not there, or keys were evicted. */
  function lostSince(claim: Claimed, sweep: SeenSweep): boolean {
    if (sweep.marker < claim.finished) return true;
    return Object.entries(sweep.servers).some(
      ([runId, evicted]) => evicted > (claim.servers[runId] ?? 0),
    );
  }

  async function nextBatch(sweep: SeenSweep): Promise<readonly SeenTime[] | null> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await sweep.next();
      } catch (error) {
        if (failures === MOST_FAILURES || rounds.closed) throw error;
        await rounds.rest(REST_MS);
      }
    }
  }

  async function everything(claim: Claimed, sweep: SeenSweep): Promise<SweepProgress> {
    let swept = 0;
    // The newest of each session: SCAN may return a key twice.
    let waiting = new Map<string, SeenTime>();
    const write = async (): Promise<void> => {
      const seen = [...waiting.values()];
      waiting = new Map();
      // The time up to which all is written moves at the end.
      await touch(seen, 0);
      swept += seen.length;
    };
    for (;;) {
      await mayGoOn(claim, show(sweep, swept));
      const batch = await nextBatch(sweep);
      if (batch === null) break;
      const nowMs = wallNowMs();
      for (const one of batch) {
        // Older ones were swept before. Nobody was seen in the future, whatever stands there (WALL TIME: nor by a node
        // that is a little ahead).
        if (one.atMs <= claim.sweptThroughMs || one.atMs > nowMs + MAX_SKEW_MS) continue;
        waiting.set(`${one.tid}.${one.sid}`, { ...one, atMs: Math.min(one.atMs, nowMs) });
      }
      if (waiting.size >= SESSIONS_A_WRITE) await write();
    }
    if (waiting.size > 0) await write();
    return show(sweep, swept);
  }

  async function sweepOnce(claim: Claimed): Promise<void> {
    const sweep = await hub.begin(claim.number);
    const throughMs = await throughOf(claim, sweep);
    if (lostSince(claim, sweep)) {
      log.warn(
        {},
        'last-seen times were lost before they were swept: sessions in use count as seen now',
      );
      await store.lost(wallNowMs());
    }
    const progress = await everything(claim, sweep);
    const verdict = await sweep.verify();
    if (verdict === 'lost') await store.lost(wallNowMs());
    if (verdict !== 'whole') throw new Abandoned(`the hub's data ${verdict} during the sweep`);
    while (!(await store.finish(claim.number, throughMs, sweep.servers, progress))) {
      await mayGoOn(claim, progress);
      await rounds.rest(REST_MS);
    }
    const sweptThroughMs = Math.max(throughMs, claim.sweptThroughMs);
    status = { ...status, holder: null, sweptThroughMs, lastFinishedAtMs: wallNowMs() };
  }

  async function round(): Promise<void> {
    if (!hub.connected()) return;
    try {
      const claim = await store.claim(memberId(), CLAIM_MS, sweepEveryMs);
      if (claim.kind === 'held') {
        status = { ...status, ...claim.progress, holder: claim.holder };
      }
      if (claim.kind !== 'claimed') return;
      renewedAtMs = clock.monotonicMs();
      status = { ...status, holder: memberId(), number: claim.number, keysSeen: 0, swept: 0 };
      await sweepOnce(claim);
    } catch (error) {
      status = { ...status, holder: null, failures: status.failures + (rounds.closed ? 0 : 1) };
      if (!rounds.closed)
        log.warn({ err: error }, 'a sweep of last-seen times did not end; it begins anew');
    }
  }

  return {
    run: rounds.run,
    status() {
      const isRunning = rounds.atWork && status.holder === memberId();
      return { state: pause.on ? 'paused' : isRunning ? 'running' : 'idle', ...status };
    },
    close: rounds.close,
  };
}
