import type { Clock } from '../clock.ts';
import { SekishoError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import type { ChainPlace, Retention, TrailStore } from '../record/trail-contract.ts';
import { createRounds } from '../rounds.ts';
import { readCheckpoint, signCheckpoint } from '../token/checkpoint.ts';
import { isPrunedBy, type KeyOf } from './base.ts';
import { sameBytes } from './chain.ts';
import { MISDATED_MS } from './dates.ts';
import type { TrailSigning } from './signing.ts';

const DAY_MS = 86_400_000;
/** Rows of a batch, and the rest between two: nobody waits behind retention for longer than a batch takes (A3). */
const BATCH = 200;
const BETWEEN_BATCHES_MS = 50;
const TENANTS_A_PAGE = 50;
/** Checkpoints that are looked at to find one that is what it is said to be; the next time finds no other ones. */
const MOST_TRIED = 100;
/** Between two looks at what has become too old. */
const RETAIN_EVERY_MS = 600_000;

export interface KeeperParts {
  readonly store: Pick<
    TrailStore,
    'checkpointBefore' | 'prune' | 'eraseBefore' | 'eraseOf' | 'dueRetention' | 'state'
  >;
  readonly signing: Pick<TrailSigning, 'signer' | 'verifiers'>;
  readonly issuer: () => string;
  readonly wallNowMs: () => number;
  /** Between two batches; false: stop here. */
  readonly mayGoOn: () => Promise<boolean>;
}

export interface Pruned {
  readonly removed: number;
  /** Up to which number the chain is pruned now; null: not at all. */
  readonly to: number | null;
}

/**
 * Removes what was sealed before `beforeMs`, up to a signed checkpoint, which stays: verification begins from it.
 *
 * What nobody has signed is not gone on from: whoever removed it would have it signed by the next pruning.
 *
 * @throws SekishoError `conflict` where what was pruned before bears no signature of ours.
 * @param told `onBegin`: before anything goes, where there is something, with the number up to which; `onRows`: of each batch
 */
export async function prune(
  parts: KeeperParts,
  tid: string,
  beforeMs: number,
  told: {
    readonly onBegin?: (to: number) => Promise<void>;
    readonly onRows?: (rows: number) => void;
  } = {},
): Promise<Pruned> {
  const { store, signing, issuer, wallNowMs } = parts;
  const { base, firstSeal } = await store.state(tid);
  const keyOf = await signing.verifiers();
  if (base !== null && !(await isPrunedBy(keyOf, tid, base))) {
    throw new SekishoError(
      'conflict',
      `What was pruned of this audit trail bears no signature of ours: sekisho audit verify shows it, sekisho audit accept has it signed.`,
    );
  }
  const proven = await provenBefore(parts, keyOf, tid, beforeMs);
  const signer = await signing.signer();
  // By which of our keys it was said where verification begins; null: by none.
  const baseKid = base === null ? null : ((await signedBy(keyOf, tid, base))?.kid ?? null);
  const isNew = proven !== null && proven.seq > (base?.seq ?? 0);
  // Otherwise it goes on with what was begun, or says the same again by the newest key.
  const isBegun = base !== null && (firstSeal ?? Number.POSITIVE_INFINITY) <= base.seq;
  const isAgain = baseKid !== null && (isBegun || baseKid !== signer.kid);
  const to = isNew ? proven : isAgain ? base : null;
  if (to === null) return { removed: 0, to: base?.seq ?? null };
  const { seq, hash } = to;
  const atMs = Math.floor(wallNowMs());
  const token = await signCheckpoint(signer, {
    ...{ kind: 'pruned', issuer: issuer(), tid, seq, hash, atMs },
  });
  await told.onBegin?.(seq);
  let removed = 0;
  for (;;) {
    const rows = await store.prune(tid, { seq, hash }, token, BATCH);
    removed += rows;
    told.onRows?.(rows);
    if (rows === 0 || !(await parts.mayGoOn())) return { removed, to: seq };
  }
}

/**
 * The newest checkpoint of ours that covers nothing sealed since. Somebody may have put others there: what no key of ours has
 * signed, and what says itself that it is newer, is passed over.
 */
async function provenBefore(
  { store }: Pick<KeeperParts, 'store'>,
  keyOf: KeyOf,
  tid: string,
  beforeMs: number,
): Promise<ChainPlace | null> {
  let below: number | null = null;
  for (let tried = 0; tried < MOST_TRIED; tried += 1) {
    const found: Awaited<ReturnType<TrailStore['checkpointBefore']>> = await store.checkpointBefore(
      tid,
      beforeMs,
      below,
    );
    if (found === null) break;
    const read = await signedBy(keyOf, tid, found);
    const isOld = !found.hourly || (read !== null && read.atMs < beforeMs + MISDATED_MS);
    if (read !== null && isOld) return found;
    below = found.seq;
  }
  return null;
}

/** Which of our keys has signed that the chain has this hash at this number, and when; null: none. */
async function signedBy(
  keyOf: KeyOf,
  tid: string,
  { seq, hash, token }: ChainPlace & { readonly token: string | null },
): Promise<{ readonly kid: string; readonly atMs: number } | null> {
  const read = await readCheckpoint(token ?? '', keyOf);
  if (read.kind !== 'good') return null;
  const { claims, kid } = read;
  const isHere = claims.tid === tid && claims.seq === seq && sameBytes(claims.hash, hash);
  return isHere ? { kid, atMs: claims.atMs } : null;
}

/** Erases the personal data of what was recorded before `beforeMs`. @returns how many rows had any. */
export async function eraseBefore(
  { store, mayGoOn }: KeeperParts,
  tid: string,
  beforeMs: number,
  onRows: (rows: number) => void = () => {},
): Promise<number> {
  let erased = 0;
  for (;;) {
    const rows = await store.eraseBefore(tid, beforeMs, BATCH);
    erased += rows;
    onRows(rows);
    if (rows < BATCH || !(await mayGoOn())) return erased;
  }
}

/**
 * Erases one user's personal data from a trail: that of their tenant, or the operators' own.
 *
 * @returns how many rows are theirs, of how many something was erased, and how many were passed over because they are not
 * sealed yet.
 */
export async function eraseOf(
  { store, mayGoOn }: KeeperParts,
  tid: string,
  user: { readonly uid: string; readonly email: string | null },
  onRows: (rows: number) => void = () => {},
): Promise<{ readonly found: number; readonly erased: number; readonly passed: number }> {
  let [found, erased, passed] = [0, 0, 0];
  let cursor: Parameters<TrailStore['eraseOf']>[2] = null;
  do {
    const page: Awaited<ReturnType<TrailStore['eraseOf']>> = await store.eraseOf(
      tid,
      user,
      cursor,
      BATCH,
    );
    found += page.found;
    erased += page.erased;
    passed += page.passed;
    onRows(page.looked);
    cursor = page.next;
  } while (cursor !== null && (await mayGoOn()));
  return { found, erased, passed };
}

export interface KeeperStatus {
  /** Since the start, by this node. */
  readonly pruned: number;
  readonly erased: number;
  readonly failures: number;
  readonly lastRunAtMs: number | null;
}

export interface Keeper {
  /** Everything that has become too old, now. */
  run(): Promise<void>;
  status(): KeeperStatus;
  close(): Promise<void>;
}

/** Retention: prunes and erases what its tenant keeps no longer, in batches, on the node that seals. */
export function createKeeper(
  options: Omit<KeeperParts, 'mayGoOn'> & {
    /** Whether this node is the one that seals. */
    readonly isTurn: () => boolean;
    readonly pause: { ask(): Promise<boolean> };
    readonly clock: Clock;
    readonly log: Log;
  },
): Keeper {
  const { store, wallNowMs, isTurn, pause, clock, log } = options;
  let status: KeeperStatus = { pruned: 0, erased: 0, failures: 0, lastRunAtMs: null };
  const rounds = createRounds({ clock, isTurn, round, everyMs: () => RETAIN_EVERY_MS });

  async function mayGoOn(): Promise<boolean> {
    if (rounds.closed || (await pause.ask())) return false;
    await rounds.rest(BETWEEN_BATCHES_MS);
    return !rounds.closed;
  }

  async function retain({ tid, auditDays, personalDays }: { tid: string } & Retention) {
    const parts = { ...options, mayGoOn };
    if (personalDays !== null) {
      const erased = await eraseBefore(parts, tid, wallNowMs() - personalDays * DAY_MS);
      status = { ...status, erased: status.erased + erased };
    }
    if (auditDays !== null) {
      const { removed } = await prune(parts, tid, wallNowMs() - auditDays * DAY_MS);
      status = { ...status, pruned: status.pruned + removed };
    }
  }

  function failed(error: unknown, fields: object, message: string): void {
    if (rounds.closed) return;
    status = { ...status, failures: status.failures + 1 };
    log.warn({ ...fields, err: error }, message);
  }

  /** What is wrong with one trail holds up no other one. */
  async function retainOrSay(one: { tid: string } & Retention): Promise<void> {
    try {
      await retain(one);
    } catch (error) {
      const message =
        'retention of the audit trail of a tenant failed; it is tried again, and others go on';
      failed(error, { tenant_id: one.tid }, message);
    }
  }

  async function everything(): Promise<void> {
    for (let after: string | null = null; ; ) {
      const page: Awaited<ReturnType<TrailStore['dueRetention']>> = await store.dueRetention(
        after,
        TENANTS_A_PAGE,
      );
      for (const one of page) {
        if (!(await mayGoOn())) return;
        await retainOrSay(one);
      }
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.tid;
    }
    status = { ...status, lastRunAtMs: wallNowMs() };
  }

  async function round(): Promise<void> {
    try {
      await everything();
    } catch (error) {
      failed(error, {}, 'retention of the audit trail failed; it is tried again');
    }
  }

  return { run: rounds.run, status: () => status, close: rounds.close };
}
