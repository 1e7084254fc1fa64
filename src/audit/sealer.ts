import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import type {
  ChainMove,
  ChainPlace,
  Seal,
  Taken,
  TakenChain,
  TrailStore,
} from '../record/trail-contract.ts';
import { signCheckpoint } from '../token/checkpoint.ts';
import { genesisOf, SALT_BYTES, sealOf } from './chain.ts';
import type { TrailSigning } from './signing.ts';

/** How often the node that seals looks for rows, and the others whether it still lives. */
const SEAL_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 5_000;
/** How long a node that died keeps the others from sealing. */
const CLAIM_MS = 10_000;
/** Rows of a batch, so that one takes the embedded database for a few milliseconds, and the rest between two. */
const ROWS_A_BATCH = 250;
const BETWEEN_BATCHES_MS = 20;
/** A checkpoint is signed after so many rows, or when what it does not cover is so old. */
const SIGN_AFTER_ROWS = 1_000;
const SIGN_AFTER_MS = 60_000;
/** How long a chain that cannot be extended is left alone, so that it holds no other tenant up. */
const STUCK_FOR_MS = 60_000;
/** Once or twice a batch is refused because another sealer was quicker. */
const REFUSALS = 5;

export interface SealerStatus {
  /** `sealing`: this node does; `standby`: another one; `paused`: nobody. */
  readonly state: 'sealing' | 'standby' | 'paused';
  /** Rows that were not sealed when this node last looked, counted up to 10,000; null before it did. */
  readonly unsealed: number | null;
  /** How old the oldest of them was then, milliseconds; 0 when there was none. */
  readonly oldestUnsealedMs: number;
  /** Since the start, by this node. */
  readonly sealed: number;
  readonly checkpoints: number;
  readonly failures: number;
  /** Wall milliseconds of this node's last checkpoint; null before it. */
  readonly lastCheckpointAtMs: number | null;
}

export interface Sealer {
  /** Seals what there is now, if it is this node's turn, unless paused. */
  run(): Promise<void>;
  /** Seals and signs everything at once, whoever's turn it is, and even when paused. @throws SekishoError 503, `internal`. */
  now(onRows?: (rows: number) => void): Promise<void>;
  /** Runs soon: something has just been recorded. */
  nudge(): void;
  status(): SealerStatus;
  close(): Promise<void>;
}

export interface SealerOptions {
  readonly store: Pick<TrailStore, 'take' | 'seal' | 'release'>;
  readonly signing: Pick<TrailSigning, 'signer'>;
  readonly issuer: () => string;
  readonly memberId: () => string;
  readonly pause: { ask(): Promise<boolean>; readonly on: boolean };
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly log: Log;
  /** For tests. Default 1 s and 5 s. */
  readonly everyMs?: number;
  readonly lookEveryMs?: number;
}

/** How soon after something was recorded a nudged sealer runs, so that what comes together is sealed together. */
const NUDGED_MS = 100;

/**
 * Chains the rows of the trail, one node at a time, so that nobody who records something waits for it. The order of a chain
 * is that in which the sealer found the rows: one that becomes visible late is found late, and none is passed over.
 */
export function createSealer(options: SealerOptions): Sealer {
  const { store, signing, issuer, memberId, pause, clock, wallNowMs, log } = options;
  const { everyMs = SEAL_EVERY_MS, lookEveryMs = LOOK_EVERY_MS } = options;
  let status: Omit<SealerStatus, 'state'> = {
    ...{ unsealed: null, oldestUnsealedMs: 0, sealed: 0, checkpoints: 0, failures: 0 },
    lastCheckpointAtMs: null,
  };
  /** Chains that cannot be extended, and when that is tried again. */
  const stuck = new Map<string, number>();
  let refusals = 0;
  let ours = false;
  let closed = false;
  let running: Promise<void> | null = null;
  let timer: Timer | null = null;
  let nudged: Timer | null = null;
  const resting = new Set<{ readonly timer: Timer; readonly wake: () => void }>();

  function rest(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        resting.delete(one);
        resolve();
      };
      const one = { timer: clock.after(BETWEEN_BATCHES_MS, wake), wake };
      resting.add(one);
    });
  }

  async function tokenFor(
    chain: TakenChain,
    now: ChainPlace,
    rows: number,
  ): Promise<string | null> {
    const isDue = chain.due || chain.seq + rows - chain.signedSeq >= SIGN_AFTER_ROWS;
    if (!isDue || now.seq === chain.signedSeq) return null;
    const { tid } = chain;
    const atMs = Math.floor(wallNowMs());
    const { seq, hash } = now;
    return await signCheckpoint(await signing.signer(), {
      ...{ kind: 'checkpoint', issuer: issuer(), tid, seq, hash, atMs },
    });
  }

  /** What the chains become. A key that cannot be had holds no row up: it is signed later. */
  async function movesOf(
    taken: Extract<Taken, { kind: 'taken' }>,
  ): Promise<{ readonly moves: readonly ChainMove[]; readonly unsigned: unknown }> {
    const chains = new Map(taken.chains.map((chain) => [chain.tid, chain]));
    const seals = new Map<string, Seal[]>();
    const rows = taken.rows.toSorted((a, b) => a.atUs - b.atUs || (a.id < b.id ? -1 : 1));
    for (const row of rows) {
      const { tid } = row;
      const chain = chains.get(tid) ?? {
        ...{ tid, seq: 0, hash: genesisOf(tid), signedSeq: 0, due: false },
      };
      chains.set(tid, chain);
      const own = seals.get(tid) ?? [];
      seals.set(tid, own);
      const { seq, hash } = own.at(-1) ?? chain;
      own.push(sealOf(hash, seq + 1, row, () => randomBytes(SALT_BYTES)));
    }
    const moves: ChainMove[] = [];
    let unsigned: unknown = null;
    for (const [tid, chain] of chains) {
      const own = seals.get(tid) ?? [];
      const was = { seq: chain.seq, hash: chain.hash };
      let token: string | null = null;
      try {
        token = await tokenFor(chain, own.at(-1) ?? was, own.length);
      } catch (error) {
        unsigned = error;
      }
      if (own.length > 0 || token !== null) moves.push({ tid, was, seals: own, token });
    }
    return { moves, unsigned };
  }

  function note(taken: Taken): void {
    const { waiting, oldestMs } = taken;
    const ageMs = oldestMs === null ? 0 : Math.max(0, wallNowMs() - oldestMs);
    status = { ...status, unsealed: waiting, oldestUnsealedMs: Math.floor(ageMs) };
  }

  /** Chain by chain, after a batch was refused twice: what is wrong with one chain is no other tenant's. */
  async function sealApart(moves: readonly ChainMove[]): Promise<void> {
    for (const move of moves) {
      if (await store.seal([move])) continue;
      stuck.set(move.tid, clock.monotonicMs() + STUCK_FOR_MS);
      status = { ...status, failures: status.failures + 1 };
      log.error(
        { tenant_id: move.tid },
        'the audit trail of a tenant cannot be sealed: it was changed by other means; run sekisho audit verify',
      );
    }
  }

  function leftAlone(): readonly string[] {
    for (const [tid, untilMs] of stuck) if (untilMs <= clock.monotonicMs()) stuck.delete(tid);
    return [...stuck.keys()];
  }

  /** @returns whether everything is sealed. */
  async function batch(holder: string | null, signAfterMs: number): Promise<boolean | 'refused'> {
    const taken = await store.take(holder, CLAIM_MS, ROWS_A_BATCH, signAfterMs, leftAlone());
    if (holder !== null) {
      ours = taken.kind === 'taken';
      note(taken);
    }
    if (taken.kind === 'held') return true;
    const { moves, unsigned } = await movesOf(taken);
    const isSealed = moves.length === 0 || (await store.seal(moves));
    refusals = isSealed ? 0 : refusals + 1;
    if (refusals === REFUSALS) {
      refusals = 0;
      await sealApart(moves);
    }
    if (isSealed) count(taken.rows.length, moves);
    if (unsigned !== null) throw unsigned;
    // A full batch is not the last one.
    return isSealed ? taken.rows.length < ROWS_A_BATCH : 'refused';
  }

  async function batches(): Promise<void> {
    while (!closed && !(await pause.ask())) {
      if ((await batch(memberId(), SIGN_AFTER_MS)) === true) return;
      await rest();
    }
  }

  async function now(onRows: (rows: number) => void = () => {}): Promise<void> {
    await running;
    const before = status.sealed;
    const tell = (): void => onRows(status.sealed - before);
    while (!closed && (await batch(null, 0)) !== true) {
      tell();
      await rest();
    }
    // What has just been sealed is to be signed, too.
    while (!closed && (await batch(null, 0)) === 'refused') await rest();
    tell();
  }

  function count(rows: number, moves: readonly ChainMove[]): void {
    const signed = moves.filter(({ token }) => token !== null).length;
    status = {
      ...status,
      unsealed: Math.max(0, (status.unsealed ?? 0) - rows),
      oldestUnsealedMs: rows < ROWS_A_BATCH ? 0 : status.oldestUnsealedMs,
      sealed: status.sealed + rows,
      checkpoints: status.checkpoints + signed,
      ...(signed > 0 ? { lastCheckpointAtMs: wallNowMs() } : {}),
    };
  }

  async function turn(): Promise<void> {
    if (closed) return;
    try {
      await batches();
    } catch (error) {
      status = { ...status, failures: status.failures + (closed ? 0 : 1) };
      if (!closed)
        log.warn({ err: error }, 'the audit trail could not be sealed; it is tried again');
    }
  }

  function run(): Promise<void> {
    running ??= turn().finally(() => {
      running = null;
    });
    return running;
  }

  function arm(): void {
    if (closed) return;
    timer = clock.after(ours ? everyMs : lookEveryMs, () => {
      void run().then(arm);
    });
  }

  timer = clock.after(everyMs, () => {
    void run().then(arm);
  });
  return {
    run,
    now,
    nudge() {
      if (!ours || closed || nudged !== null) return;
      nudged = clock.after(NUDGED_MS, () => {
        nudged = null;
        void run();
      });
    },
    status() {
      const state = pause.on ? 'paused' : ours ? 'sealing' : 'standby';
      return { state, ...status };
    },
    async close() {
      closed = true;
      timer?.cancel();
      nudged?.cancel();
      for (const one of [...resting]) {
        one.timer.cancel();
        one.wake();
      }
      await running;
      // Another node need not wait until the claim runs out.
      if (ours) await store.release(memberId()).catch(() => {});
    },
  };
}
