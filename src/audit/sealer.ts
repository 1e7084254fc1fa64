import type { Clock, Timer } from '../clock.ts';
import { SekishoError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import type { ChainPlace, Taken, TakenChain, TrailStore } from '../record/trail-contract.ts';
import { createRounds } from '../rounds.ts';
import { sealApart } from './apart.ts';
import { createTrailMemory } from './memory.ts';
import { chainsOf, movesOf, type SignedMove } from './moves.ts';
import type { TrailSigning } from './signing.ts';
import { checkpointLine, contradictionLine } from './witness.ts';

/** How often the node that seals looks for rows, and the others whether it still lives. */
const SEAL_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 5_000;
/** How long a node that died keeps the others from sealing. */
const CLAIM_MS = 10_000;
/** Rows of a batch, so that one takes the embedded database for a few milliseconds, and the rest between two. */
const ROWS_A_BATCH = 250;
const BETWEEN_BATCHES_MS = 20;
/** A checkpoint is signed when what it does not cover is so old. */
const SIGN_AFTER_MS = 60_000;
/** How long a chain that cannot be extended is left alone, so that it holds no other tenant up. */
const STUCK_FOR_MS = 60_000;
/** A batch is refused when another sealer was quicker; after so many in a row it is looked at why, chain by chain. */
const REFUSALS = 5;

export interface SealerStatus {
  /** `sealing`: this node does; `standby`: another one. */
  readonly state: 'sealing' | 'standby';
  /** Rows that were not sealed when this node last looked, counted up to 10,000; null before it did. */
  readonly unsealed: number | null;
  /** How old the oldest of them was then, milliseconds; 0 when there was none. */
  readonly oldestUnsealedMs: number;
  /** Since the start, by this node. */
  readonly sealed: number;
  readonly checkpoints: number;
  readonly failures: number;
  /** Trails that this node does not seal now, since they are not what it has sealed before; and how often it found one. */
  readonly contradicted: number;
  readonly contradictions: number;
  /** Wall milliseconds of this node's last checkpoint; null before it. */
  readonly lastCheckpointAtMs: number | null;
}

export interface Sealer {
  /** Seals what there is now, if it is this node's turn. */
  run(): Promise<void>;
  /**
   * Seals and signs everything that there is when it is called, whoever's turn it is. `left`: tenants whose trails are left alone
   * at present, so that rows of theirs may still wait.
   *
   * @throws SekishoError `not_ready` when something else is left: this process ends, or is given no rows; 503, `internal`.
   */
  now(onRows?: (rows: number) => void): Promise<{ readonly left: readonly string[] }>;
  /** Runs soon: something has just been recorded. */
  nudge(): void;
  status(): SealerStatus;
  /** Whether the chain of `tid`, which stands at `place`, is what this process has sealed, as far as it has. */
  trusts(tid: string, place: ChainPlace): Promise<boolean>;
  /** What was left alone is looked at again at once. */
  lookAgain(tid: string): void;
  /** Seals nothing while `work` puts the record back to an earlier moment, and takes what it then holds for good. */
  whilePutBack(work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export interface SealerOptions {
  readonly store: Pick<TrailStore, 'take' | 'seal' | 'release' | 'places' | 'heads'>;
  readonly signing: Pick<TrailSigning, 'signer' | 'verifiers'>;
  readonly issuer: () => string;
  readonly memberId: () => string;
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly log: Log;
  /** For tests. Default 1 s and 5 s. */
  readonly everyMs?: number;
  readonly lookEveryMs?: number;
}

/**
 * What a batch came to. `all`: nothing is left but what is left alone; `more`: something is; `refused`: another sealer was
 * quicker, or a chain cannot be extended; `held`: another node seals.
 */
type Batch = 'all' | 'more' | 'refused' | 'held';

/** How soon after something was recorded a nudged sealer runs, so that what comes together is sealed together. */
const NUDGED_MS = 100;

/**
 * Chains the rows of the trail, one node at a time, so that nobody who records something waits for it. The order of a chain
 * is that in which the sealer found the rows: one that becomes visible late is found late, and none is passed over. A chain
 * that is not what this process has sealed before is left alone: what somebody rewrote gets no signature here.
 */
export function createSealer(options: SealerOptions): Sealer {
  const { store, signing, memberId, clock, wallNowMs, log } = options;
  const { everyMs = SEAL_EVERY_MS, lookEveryMs = LOOK_EVERY_MS } = options;
  // What is a witness of the record is not silenced by it.
  const witness = log.steady ?? log;
  const memory = createTrailMemory({
    ...{ store, wallNowMs, log: witness },
    verifiers: () => signing.verifiers(),
  });
  let status: Omit<SealerStatus, 'state' | 'contradicted'> = {
    ...{ unsealed: null, oldestUnsealedMs: 0, sealed: 0, checkpoints: 0, failures: 0 },
    ...{ contradictions: 0, lastCheckpointAtMs: null },
  };
  /** Chains that cannot be extended, and when that is tried again. */
  const stuck = new Map<string, number>();
  const contradicted = new Set<string>();
  let refusals = 0;
  let ours = false;
  let nudged: Timer | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const rounds = createRounds({
    ...{ clock, round: turn, firstMs: everyMs },
    everyMs: () => (ours ? everyMs : lookEveryMs),
  });

  /** Those of the chains that are what this process has sealed. The others are told of, and left alone for a while. */
  async function trusted(
    chains: ReadonlyMap<string, TakenChain>,
  ): Promise<ReadonlyMap<string, TakenChain>> {
    const good = new Map(chains);
    for (const [tid, { seq }] of chains) {
      // Numbers that cannot be told apart: every batch with it would be refused, and nobody could say why.
      if (seq <= Number.MAX_SAFE_INTEGER - ROWS_A_BATCH) continue;
      good.delete(tid);
      leaveAlone(tid);
    }
    const found = await memory.contradicted(good);
    for (const one of found) {
      good.delete(one.tid);
      stuck.set(one.tid, clock.monotonicMs() + STUCK_FOR_MS);
      contradicted.add(one.tid);
      witness.error(...contradictionLine(one));
    }
    for (const tid of good.keys()) contradicted.delete(tid);
    status = { ...status, contradictions: status.contradictions + found.length };
    return good;
  }

  function note(taken: Taken): void {
    const { waiting, oldestMs } = taken;
    const ageMs = oldestMs === null ? 0 : Math.max(0, wallNowMs() - oldestMs);
    status = { ...status, unsealed: waiting, oldestUnsealedMs: Math.floor(ageMs) };
  }

  /** What is wrong with one chain is no other tenant's, and a chain that another sealer has extended is not wrong. */
  async function apart(moves: readonly SignedMove[]): Promise<void> {
    const { sealed, faulty } = await sealApart(store, moves);
    done(sealed);
    for (const tid of faulty) leaveAlone(tid);
  }

  function leaveAlone(tid: string): void {
    stuck.set(tid, clock.monotonicMs() + STUCK_FOR_MS);
    status = { ...status, failures: status.failures + 1 };
    witness.error(
      { tenant_id: tid },
      'the audit trail of a tenant cannot be sealed: it was changed by other means; run sekisho audit verify',
    );
  }

  /**
   * One at a time in this process: what one of two would take to be where a chain stands, the other one may have put elsewhere
   * since, and remembered.
   */
  function alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const begun = last.then(work);
    last = begun.catch(() => {});
    return begun;
  }

  function leftAlone(): readonly string[] {
    for (const [tid, untilMs] of stuck) if (untilMs <= clock.monotonicMs()) stuck.delete(tid);
    return [...stuck.keys()];
  }

  async function batch(holder: string | null, signAfterMs: number): Promise<Batch> {
    const taken = await store.take(holder, CLAIM_MS, ROWS_A_BATCH, signAfterMs, leftAlone());
    if (holder !== null) {
      ours = taken.kind === 'taken';
      note(taken);
    }
    if (taken.kind === 'held') return 'held';
    const chains = await trusted(chainsOf(taken));
    const { moves, unsigned } = await movesOf(chains, taken.rows, options);
    const isSealed = moves.length === 0 || (await store.seal(moves));
    if (isSealed) done(moves);
    refusals = isSealed ? 0 : refusals + 1;
    if (refusals === REFUSALS) {
      refusals = 0;
      await apart(moves);
    }
    if (unsigned !== null) throw unsigned;
    if (!isSealed) return 'refused';
    // A full batch is not the last one, unless it led to nothing.
    const { rows, chains: waiting, more } = taken;
    const isFull =
      rows.length >= ROWS_A_BATCH || (waiting.length >= ROWS_A_BATCH && moves.length > 0);
    return isFull || more ? 'more' : 'all';
  }

  /** Batch by batch, until everything is sealed, it is another node's turn, or this one ends. */
  async function batches(
    holder: string | null,
    signAfterMs: number,
    onBatch: () => void = () => {},
  ): Promise<Batch> {
    let came: Batch = 'held';
    while (!rounds.closed) {
      came = await batch(holder, signAfterMs);
      onBatch();
      if (came === 'all' || came === 'held') break;
      await rounds.rest(BETWEEN_BATCHES_MS);
    }
    return came;
  }

  async function turn(): Promise<void> {
    try {
      await alone(() => batches(memberId(), SIGN_AFTER_MS));
    } catch (error) {
      status = { ...status, failures: status.failures + (rounds.closed ? 0 : 1) };
      if (!rounds.closed)
        log.warn({ err: error }, 'the audit trail could not be sealed; it is tried again');
    }
  }

  /** What was sealed is remembered, counted, and told of where it was signed. */
  function done(moves: readonly SignedMove[]): void {
    let [rows, signed] = [0, 0];
    for (const { tid, was, seals, kid } of moves) {
      const place = seals.at(-1) ?? was;
      memory.remember(tid, place);
      rows += seals.length;
      if (kid === null) continue;
      signed += 1;
      witness.info(...checkpointLine(tid, place, kid));
    }
    const unsealed = Math.max(0, (status.unsealed ?? 0) - rows);
    status = {
      ...{ ...status, unsealed, sealed: status.sealed + rows },
      oldestUnsealedMs: unsealed === 0 ? 0 : status.oldestUnsealedMs,
      checkpoints: status.checkpoints + signed,
      ...(signed > 0 ? { lastCheckpointAtMs: wallNowMs() } : {}),
    };
  }

  async function everything(onRows: (rows: number) => void): Promise<{ left: readonly string[] }> {
    const before = status.sealed;
    const tell = (): void => onRows(status.sealed - before);
    // What has just been sealed is to be signed, too.
    for (let times = 0; times < 2; times += 1) {
      if ((await batches(null, 0, tell)) === 'all') continue;
      throw new SekishoError('not_ready', 'Not everything in the audit trail could be sealed.');
    }
    return { left: [...stuck.keys()] };
  }

  return {
    run: rounds.run,
    now: (onRows = () => {}) => alone(() => everything(onRows)),
    nudge() {
      if (!ours || rounds.closed || nudged !== null) return;
      nudged = clock.after(NUDGED_MS, () => {
        nudged = null;
        void rounds.run();
      });
    },
    status() {
      const state = ours ? 'sealing' : 'standby';
      return { state, contradicted: contradicted.size, ...status };
    },
    trusts: (tid, place) =>
      alone(async () => (await memory.contradicted(new Map([[tid, place]]))).length === 0),
    lookAgain(tid) {
      stuck.delete(tid);
    },
    whilePutBack: (work) =>
      alone(async () => {
        await work();
        memory.forget();
        stuck.clear();
        contradicted.clear();
      }),
    async close() {
      nudged?.cancel();
      await rounds.close();
      await last;
      // Another node need not wait until the claim runs out.
      if (ours) await store.release(memberId()).catch(() => {});
    },
  };
}
