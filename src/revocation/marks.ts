import type { EntryLog } from './entry-log.ts';
import { PositionIndex } from './position-index.ts';
import type { Entry, TokenFacts } from './types.ts';

/** How much an entry covers within its tenant. */
export type Breadth = 'session' | 'user' | 'whole';

/** Whether an entry speaks of all tenants. One that names no tenant does: the wider reading is the safe one. */
export function isForAll(entry: Entry): boolean {
  return entry.scope === 'all' || entry.tid === null;
}

/** What an entry covers. Where the id that its scope needs is missing, the wider reading is the safe one. */
export function breadthOf(entry: Entry): Breadth {
  if (isForAll(entry) || entry.scope === 'tenant') return 'whole';
  if (entry.sid !== null && entry.scope !== 'user') return 'session';
  return entry.uid !== null ? 'user' : 'whole';
}

/**
 * What the live entries say, looked up by what a token says of itself. One entry sets one mark; a later entry of the same
 * subject replaces it, since the later floor implies the earlier one (AUTHORITY: a spared session passes every floor).
 *
 * Everything of a tenant is looked up under its tid, so no entry can touch another tenant's tokens. Marks of users and
 * sessions, of which a node may hold a million, are positions of entries in the log.
 */
export class Marks {
  readonly #log: EntryLog;
  readonly #all = new WholeMarks();
  readonly #tenants = new Map<string, WholeMarks>();
  readonly #userFloors: PositionIndex;
  readonly #revokedSids: PositionIndex;
  readonly #userReissues: PositionIndex;
  readonly #sessionReissues: PositionIndex;

  /** @param log holds every entry whose mark is set. */
  constructor(log: EntryLog) {
    this.#log = log;
    this.#userFloors = new PositionIndex(log, 'uid');
    this.#revokedSids = new PositionIndex(log, 'sid');
    this.#userReissues = new PositionIndex(log, 'uid');
    this.#sessionReissues = new PositionIndex(log, 'sid');
  }

  /** Sets the mark of an entry of a known scope, which the log holds by now. */
  add(entry: Entry): void {
    const { tid, position } = entry;
    const breadth = breadthOf(entry);
    if (tid === null || isForAll(entry)) this.#all.add(entry);
    else if (breadth === 'whole') {
      let marks = this.#tenants.get(tid);
      if (marks === undefined) {
        marks = new WholeMarks();
        // A text of its own: the one given may be a piece of a page of the log, which would be kept with it.
        this.#tenants.set(Buffer.from(tid, 'utf8').toString('utf8'), marks);
      }
      marks.add(entry);
    } else this.#indexFor(entry, breadth).set(tid, idOf(entry, breadth), position);
  }

  /** FORGET: takes the mark of an entry away, unless a later entry of the same subject has replaced it. */
  remove(entry: Entry): void {
    const { tid, position } = entry;
    const breadth = breadthOf(entry);
    if (tid === null || isForAll(entry)) this.#all.remove(entry);
    else if (breadth === 'whole') {
      const marks = this.#tenants.get(tid);
      marks?.remove(entry);
      if (marks?.isEmpty === true) this.#tenants.delete(tid);
    } else this.#indexFor(entry, breadth).delete(tid, idOf(entry, breadth), position);
  }

  /** Rows two to four of the table in docs/protocol.md section 2, in its order. Allocates nothing. */
  judge(facts: TokenFacts): 'pass' | 'revoked' | 'superseded' {
    const { tid, uid, sid, tokenEpoch } = facts;
    const all = this.#all;
    const tenant = this.#tenants.get(tid);
    if (all.revokes(facts) || tenant?.revokes(facts) === true) return 'revoked';
    const floor = this.#userFloors.find(tid, uid);
    if (facts.epoch < floor && !this.#log.names(floor, tid, 'sparedSid', sid)) return 'revoked';
    if (this.#revokedSids.find(tid, sid) !== 0) return 'revoked';
    const superseded =
      tokenEpoch < all.reissue ||
      (tenant !== undefined && tokenEpoch < tenant.reissue) ||
      tokenEpoch < this.#userReissues.find(tid, uid) ||
      tokenEpoch < this.#sessionReissues.find(tid, sid);
    return superseded ? 'superseded' : 'pass';
  }

  #indexFor(entry: Entry, breadth: 'session' | 'user'): PositionIndex {
    if (entry.scope === 'reissue')
      return breadth === 'session' ? this.#sessionReissues : this.#userReissues;
    return breadth === 'session' ? this.#revokedSids : this.#userFloors;
  }
}

function idOf(entry: Entry, breadth: 'session' | 'user'): string {
  return (breadth === 'session' ? entry.sid : entry.uid) ?? '';
}

/** The marks of a whole tenant, or of all. 0 is "none". */
class WholeMarks {
  floor = 0;
  spared: string | null = null;
  reissue = 0;

  get isEmpty(): boolean {
    return this.floor === 0 && this.reissue === 0;
  }

  revokes(facts: TokenFacts): boolean {
    return facts.epoch < this.floor && facts.sid !== this.spared;
  }

  add({ scope, position, sparedSid }: Entry): void {
    if (scope === 'reissue') this.reissue = position;
    else {
      this.floor = position;
      this.spared = sparedSid;
    }
  }

  remove({ scope, position }: Entry): void {
    if (scope === 'reissue') {
      if (this.reissue === position) this.reissue = 0;
    } else if (this.floor === position) {
      this.floor = 0;
      this.spared = null;
    }
  }
}
