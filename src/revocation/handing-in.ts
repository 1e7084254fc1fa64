import type { NewAuditEvent } from '../audit/types.ts';
import { isOutage, SekishoError } from '../errors.ts';
import type { CommitOutcome, CommitRequest } from '../record/contract.ts';
import { COMMIT_BATCH } from './constants.ts';
import type { HandedIn } from './events.ts';
import { History, type Name } from './lineage.ts';
import type { Node } from './node.ts';
import type { Entry, Head, Lineage, Scope } from './types.ts';

/**
 * Operations whose entries have another name now: for calls that still wait for one, and for those that ask again with the
 * name they were told. A call that asks for an older one stays `pending`, which is never false.
 */
const MAX_RENAMED = 10_000;

/** What the log's reason says of an entry that was handed in. */
const REASON = 'handed_in';

/** `done`: everything lost was revoked anew in that generation. `changed`: LINEAGE again. */
type Outcome =
  | { readonly kind: 'done'; readonly entries: readonly HandedIn[] }
  | { readonly kind: 'changed'; readonly head: Head };

/**
 * HAND IN: revokes anew what the view of this node holds and the record has lost. The view itself is the memory of it: it
 * is replaced only when all of them are in the record, so an outage, a lost answer or another failover in the middle costs
 * nothing but another try, and whatever was written before is then a duplicate.
 */
export class HandingIn {
  readonly #node: Node;
  /** The lost end that was reported last, so that tries do not report it again. */
  #reported = '';

  constructor(node: Node) {
    this.#node = node;
  }

  /**
   * Hands in, in order, the entries whose name is not in `lineage`.
   * @throws SekishoError `store_unavailable`, `outcome_unknown`: try again; some may have been handed in.
   */
  async handIn(lineage: Lineage): Promise<Outcome> {
    const node = this.#node;
    const lost = node.view.lostIn(lineage);
    this.#report(lost);
    const history = new History(lineage);
    const entries: HandedIn[] = [];
    let refusal: unknown = null;
    for (let from = 0; from < lost.length; from += COMMIT_BATCH) {
      const batch = lost.slice(from, from + COMMIT_BATCH);
      const { outcomes, refused } = await this.#commit(batch);
      refusal ??= refused;
      for (const [index, outcome] of outcomes.entries()) {
        const entry = batch[index];
        if (entry === undefined || outcome === null) continue;
        if (outcome.kind === 'identity_changed') return { kind: 'changed', head: outcome.head };
        const to = newName(outcome);
        entries.push({ ...named(entry), to });
        if (outcome.kind === 'committed' && outcome.head.generation !== lineage[0]?.id)
          return { kind: 'changed', head: outcome.head };
        // By another node, in a history that this lineage, read before, does not know yet.
        if (to !== null && !history.has(to)) return { kind: 'changed', head: to };
      }
    }
    // The others are in; this one is tried again, and until then this node answers nobody.
    if (refusal !== null) throw refusal;
    return { kind: 'done', entries };
  }

  /** The view has been replaced by one that holds them: whoever waits for one of them goes on under its new name. */
  done(entries: readonly HandedIn[]): void {
    this.#reported = '';
    if (entries.length === 0) return;
    const { renamed, view } = this.#node;
    for (const { operationId, to } of entries) {
      if (to === null) continue;
      renamed.delete(operationId);
      renamed.set(operationId, to);
    }
    for (const operationId of renamed.keys()) {
      if (renamed.size <= MAX_RENAMED) break;
      renamed.delete(operationId);
    }
    this.#node.emit({ kind: 'entries_handed_in', generation: view.generation, entries });
  }

  #report(lost: readonly Entry[]): void {
    const first = lost[0];
    const last = lost.at(-1);
    if (first === undefined || last === undefined) return;
    const end = [first.generation, first.position, last.generation, last.position].join(' ');
    if (end === this.#reported) return;
    this.#reported = end;
    const { generation } = this.#node.view;
    this.#node.emit({ kind: 'entries_lost', generation, entries: lost });
  }

  /** BATCH: one transaction; a batch that the record refuses is tried singly, so that one entry cannot hold up the others. */
  async #commit(
    batch: readonly Entry[],
  ): Promise<{ readonly outcomes: readonly (CommitOutcome | null)[]; readonly refused: unknown }> {
    const { log } = this.#node.settings;
    const requests = batch.map((entry) => this.#request(entry));
    try {
      return { outcomes: await log.commit(requests), refused: null };
    } catch (error) {
      if (isOutage(error)) throw error;
    }
    const outcomes: (CommitOutcome | null)[] = [];
    let refused: unknown = null;
    for (const request of requests) {
      try {
        const [outcome = null] = await log.commit([request]);
        outcomes.push(outcome);
      } catch (error) {
        if (isOutage(error)) throw error;
        refused ??= error;
        outcomes.push(null);
      }
    }
    return { outcomes, refused };
  }

  #request(entry: Entry): CommitRequest {
    const { scope, tid, uid, sid, sparedSid, operationId } = entry;
    const nowMs = Math.floor(this.#node.wallNowMs());
    return {
      operationId,
      // AUTHORITY judged whoever revoked it when it was committed; the record judges the spared session now.
      actor: { kind: 'system' },
      // A view holds no entry of a scope that this release does not know.
      revoke: [{ scope: scope as Scope, tid, uid, sid, sparedSid }],
      change: null,
      reason: REASON,
      nowMs,
      audit: [this.#audit(entry, nowMs)],
      idempotency: null,
      handIn: true,
    };
  }

  #audit(entry: Entry, nowMs: number): NewAuditEvent {
    const { operationId, scope, tid, uid, sid, generation, position } = entry;
    return {
      id: this.#node.settings.newId(),
      tid,
      atMs: nowMs,
      action: 'revocation_handed_in',
      outcome: 'success',
      actor: { kind: 'system', uid: null, sid: null },
      subject: subjectOf(tid, uid, sid),
      ip: null,
      userAgent: null,
      requestId: null,
      detail: { id: operationId, scope, lost_generation: generation, lost_position: position },
    };
  }
}

function named({ operationId, generation, position }: Entry): Omit<HandedIn, 'to'> {
  return { operationId, from: { generation, position } };
}

/** The name of an entry that was handed in, by this node or by another; null when the record let go of it since. */
function newName(outcome: CommitOutcome): Name | null {
  if (outcome.kind === 'committed') {
    const [entry] = outcome.entries;
    if (entry !== undefined) return { generation: entry.generation, position: entry.position };
  }
  if (outcome.kind === 'duplicate') {
    const { row } = outcome;
    return row === null ? null : { generation: row.generation, position: row.position };
  }
  throw new SekishoError('internal', `The record did not take a lost entry: ${outcome.kind}.`);
}

function subjectOf(
  tid: string | null,
  uid: string | null,
  sid: string | null,
): NewAuditEvent['subject'] {
  if (sid !== null) return { kind: 'session', id: sid };
  if (uid !== null) return { kind: 'user', id: uid };
  return tid === null ? null : { kind: 'tenant', id: tid };
}
