import type { NewAuditEvent } from '../audit/types.ts';
import { isSekishoError, SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import type {
  Actor,
  Change,
  CommitOutcome,
  CommitRequest,
  LogRow,
  RestoredKeys,
} from '../record/contract.ts';
import type { BarrierResult } from '../revocation/contract.ts';
import type { Entry, Subject } from '../revocation/types.ts';
import type { Revocation } from './contract.ts';
import { outcomeError } from './outcome-error.ts';
import { publish } from './publish.ts';
import type { Services } from './services.ts';
import { nowMs } from './services.ts';
import { endsSessions } from './subjects.ts';

/** How long a revoking call waits for `everywhere` when its caller does not say (BARRIER). */
export const DEFAULT_WAIT_MS = 2_000;

/** What is said of an entry that was committed, where nothing could be found out. */
const NOBODY_KNOWS: BarrierResult = {
  ...{ effective: 'pending', members: 0, acknowledged: 0 },
  ...{ waitedMs: 0, deadlineMs: null },
};

/** A write with authority: what it revokes and changes, and how it is audited, all or nothing (COMMIT). */
export interface Act {
  readonly actor: Actor;
  readonly revoke: readonly Subject[];
  readonly change: Change | null;
  readonly reason: string | null;
  readonly audit: readonly NewAuditEvent[];
  readonly idempotency?: CommitRequest['idempotency'];
  /** Default `DEFAULT_WAIT_MS`. */
  readonly waitMs?: number;
  /** RESTORE: see `CommitRequest`. */
  readonly restored?: string;
  readonly restoredKeys?: RestoredKeys;
  /** The time that the change carries, where it carries one. Default: now. */
  readonly nowMs?: number;
}

export type Committed = Extract<CommitOutcome, { kind: 'committed' }>;

export interface Done {
  /** Null when the same idempotency key was committed before: then nothing was done now. */
  readonly committed: Committed | null;
  /** Null when nothing was revoked. */
  readonly revocation: Revocation | null;
}

/**
 * Commits `act`, tells the tenant's event streams, and waits for the barrier: the one way to revoke anything.
 *
 * @throws SekishoError by what the record decided (`outcomeError`); `store_unavailable` when nothing was done;
 *   `outcome_unknown`, with `operationId`, when it may have been.
 */
export async function perform(services: Services, act: Act): Promise<Done> {
  const request: CommitRequest = {
    operationId: newId(),
    actor: act.actor,
    revoke: act.revoke,
    change: act.change,
    reason: act.reason,
    nowMs: act.nowMs ?? nowMs(services),
    audit: act.audit,
    idempotency: act.idempotency ?? null,
    ...(act.restored === undefined ? {} : { restored: act.restored }),
    ...(act.restoredKeys === undefined ? {} : { restoredKeys: act.restoredKeys }),
  };
  const outcome = await commit(services, request);
  const waitMs = act.waitMs ?? DEFAULT_WAIT_MS;
  if (outcome.kind === 'duplicate') {
    const { row } = outcome;
    if (row === null) return { committed: null, revocation: null };
    const last = await lastEntryOf(services, row, act.revoke.length);
    const barrier = last === null ? NOBODY_KNOWS : await waitFor(services, last, waitMs);
    const revocation = revocationOf(row, row.reason, barrier);
    // UNKNOWN OUTCOME: the answer was lost, and this call has done it all the same; any other one was heard of before.
    if (outcome.operationId === request.operationId) services.onRevocation(revocation);
    return { committed: null, revocation };
  }
  if (outcome.kind !== 'committed') throw outcomeError(outcome);
  const revocation = await awaitEntries(services, outcome.entries, act.reason, waitMs);
  return { committed: outcome, revocation };
}

/** As `perform`, where something is always revoked. */
export async function revoke(
  services: Services,
  act: Act,
): Promise<Done & { readonly revocation: Revocation }> {
  const { committed, revocation } = await perform(services, act);
  if (revocation === null) {
    throw new SekishoError('internal', 'A revoking write came back without its entry.');
  }
  return { committed, revocation };
}

async function commit(services: Services, request: CommitRequest): Promise<CommitOutcome> {
  try {
    return await services.committer.commit(request);
  } catch (error) {
    if (isSekishoError(error) && error.code === 'outcome_unknown') {
      throw new SekishoError('outcome_unknown', error.message, {
        retryAfterSeconds: error.retryAfterSeconds ?? 1,
        operationId: request.operationId,
        cause: error,
      });
    }
    throw error;
  }
}

/** Tells event streams of entries that were just committed, and waits until no node answers for what they ended. */
export async function awaitEntries(
  services: Services,
  entries: readonly Entry[],
  reason: string | null,
  waitMs: number,
): Promise<Revocation | null> {
  const first = entries[0];
  const last = entries.at(-1);
  if (first === undefined || last === undefined) return null;
  for (const entry of entries) {
    if (endsSessions(entry))
      publish(services, 'session.revoked', entry.tid, subjectOf(entry), { reason });
  }
  const detail = { id: first.operationId, position: first.position, scope: first.scope, reason };
  publish(services, 'revocation.committed', first.tid, subjectOf(first), detail);
  // Whoever has applied the last of them has applied all: positions are dense.
  const barrier = await waitFor(services, last, waitMs);
  if (barrier.effective === 'everywhere') {
    publish(services, 'revocation.everywhere', first.tid, subjectOf(first), {
      ...detail,
      waited_ms: Math.round(barrier.waitedMs),
    });
  }
  const revocation = revocationOf(first, reason, barrier);
  services.onRevocation(revocation);
  return revocation;
}

/**
 * A revocation of earlier, with a barrier of its own, so that what is said of it is true now.
 *
 * @param last of the entries of its operation, where that is another one: whoever has applied it has applied all of them.
 */
export async function standing(
  services: Services,
  row: LogRow,
  waitMs: number,
  last: LogRow = row,
): Promise<Revocation> {
  return revocationOf(row, row.reason, await waitFor(services, last, waitMs));
}

/**
 * The same of a page of the log, each row with the last entry of its operation (`lasts`, in the same order). Whoever has
 * applied the newest of all these has applied those before it, so that commonly one barrier is enough for all of them; the
 * others share theirs.
 */
export async function standings(
  services: Services,
  rows: readonly LogRow[],
  lasts: readonly LogRow[],
  waitMs: number,
): Promise<readonly Revocation[]> {
  const [newest] = lasts.toSorted((a, b) => b.position - a.position);
  if (newest === undefined) return [];
  const { barrier } = await standing(services, newest, waitMs);
  if (barrier.effective === 'everywhere') {
    return rows.map((row) => revocationOf(row, row.reason, barrier));
  }
  return await Promise.all(rows.map((row, at) => standing(services, row, waitMs, lasts[at])));
}

/**
 * The last of an operation's entries: whoever has applied it has applied all of them, since nobody holds a later entry without
 * the earlier ones. They were committed one behind the other; but where the end of the log was lost, each is handed in by
 * itself, and other entries may come to stand between them (HAND IN).
 *
 * @returns null when it is not in the record's history, or not again yet, or the record cannot be asked.
 */
async function lastEntryOf(
  services: Services,
  first: LogRow,
  count: number,
): Promise<LogRow | null> {
  if (count <= 1) return first;
  try {
    const name = `${first.operationId}.${count - 1}`;
    const state = await services.record.log.operation(first.tid, name);
    return state.kind === 'committed' ? state.row : null;
  } catch (error) {
    services.log.warn(
      { err: error, revocation_id: first.operationId, position: first.position },
      'the last entry of an operation could not be asked for',
    );
    return null;
  }
}

async function waitFor(
  services: Services,
  entry: Pick<Entry, 'generation' | 'position' | 'operationId'>,
  waitMs: number,
): Promise<BarrierResult> {
  try {
    return await services.follower.barrier(entry, waitMs);
  } catch (error) {
    // The entry is committed, whatever became of the waiting: that is `pending`, and never an error.
    services.log.warn(
      { err: error, revocation_id: entry.operationId, position: entry.position },
      'a barrier could not be waited for',
    );
    return NOBODY_KNOWS;
  }
}

function subjectOf(entry: Pick<Entry, 'tid' | 'uid' | 'sid'>): {
  tid: string | null;
  uid: string | null;
  sid: string | null;
} {
  return { tid: entry.tid, uid: entry.uid, sid: entry.sid };
}

function revocationOf(
  entry: Pick<Entry, 'operationId' | 'position' | 'scope' | 'tid' | 'uid' | 'sid'>,
  reason: string | null,
  barrier: BarrierResult,
): Revocation {
  return {
    id: entry.operationId,
    position: entry.position,
    scope: entry.scope,
    subject: subjectOf(entry),
    epoch: entry.position,
    reason,
    barrier,
  };
}
