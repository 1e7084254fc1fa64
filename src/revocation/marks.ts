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
 * Everything of a tenant lies under its tid, so no entry can touch another tenant's tokens. The maps hold plain numbers
 * and are made only when needed: a node may hold a million marks.
 */
export class Marks {
  readonly #all = new TenantMarks();
  readonly #tenants = new Map<string, TenantMarks>();

  /** Sets the mark of an entry of a known scope. */
  add(entry: Entry): void {
    if (isForAll(entry)) {
      this.#all.add(entry, breadthOf(entry));
      return;
    }
    const tid = entry.tid ?? '';
    let marks = this.#tenants.get(tid);
    if (marks === undefined) {
      marks = new TenantMarks();
      this.#tenants.set(tid, marks);
    }
    marks.add(entry, breadthOf(entry));
  }

  /** FORGET: takes the mark of an entry away, unless a later entry of the same subject has replaced it. */
  remove(entry: Entry): void {
    if (isForAll(entry)) {
      this.#all.remove(entry, breadthOf(entry));
      return;
    }
    const tid = entry.tid ?? '';
    const marks = this.#tenants.get(tid);
    marks?.remove(entry, breadthOf(entry));
    if (marks?.size === 0) this.#tenants.delete(tid);
  }

  /** Rows two to four of the table in docs/protocol.md section 2, in its order. */
  judge(facts: TokenFacts): 'pass' | 'revoked' | 'superseded' {
    const all = this.#all;
    if (facts.epoch < all.floor && facts.sid !== all.spared) return 'revoked';
    const marks = this.#tenants.get(facts.tid);
    if (marks === undefined) return facts.tokenEpoch < all.reissue ? 'superseded' : 'pass';
    if (marks.revokes(facts)) return 'revoked';
    return facts.tokenEpoch < all.reissue || marks.supersedes(facts) ? 'superseded' : 'pass';
  }
}

/** The marks of one tenant (or those of all tenants, which use only `floor`, `spared` and `reissue`). 0 is "none". */
class TenantMarks {
  floor = 0;
  spared: string | null = null;
  reissue = 0;
  /** Marks that are set; a tenant without any is dropped. */
  size = 0;
  #floors: Map<string, number> | null = null;
  #spared: Map<string, string> | null = null;
  #reissues: Map<string, number> | null = null;
  #revokedSids: Map<string, number> | null = null;
  #sessionReissues: Map<string, number> | null = null;

  revokes(facts: TokenFacts): boolean {
    if (facts.epoch < this.floor && facts.sid !== this.spared) return true;
    const userFloor = this.#floors?.get(facts.uid);
    if (
      userFloor !== undefined &&
      facts.epoch < userFloor &&
      facts.sid !== this.#spared?.get(facts.uid)
    )
      return true;
    return this.#revokedSids?.has(facts.sid) === true;
  }

  supersedes(facts: TokenFacts): boolean {
    if (facts.tokenEpoch < this.reissue) return true;
    if (facts.tokenEpoch < (this.#reissues?.get(facts.uid) ?? 0)) return true;
    return facts.tokenEpoch < (this.#sessionReissues?.get(facts.sid) ?? 0);
  }

  add(entry: Entry, breadth: Breadth): void {
    const { position } = entry;
    const uid = entry.uid ?? '';
    const sid = entry.sid ?? '';
    if (entry.scope === 'reissue') {
      if (breadth === 'session')
        this.#sessionReissues = this.#set(this.#sessionReissues, sid, position);
      else if (breadth === 'user') this.#reissues = this.#set(this.#reissues, uid, position);
      else {
        if (this.reissue === 0) this.size += 1;
        this.reissue = position;
      }
    } else if (breadth === 'session') {
      this.#revokedSids = this.#set(this.#revokedSids, sid, position);
    } else if (breadth === 'user') {
      this.#floors = this.#set(this.#floors, uid, position);
      if (entry.sparedSid === null) this.#spared?.delete(uid);
      else {
        this.#spared ??= new Map();
        this.#spared.set(uid, entry.sparedSid);
      }
    } else {
      if (this.floor === 0) this.size += 1;
      this.floor = position;
      this.spared = entry.sparedSid;
    }
  }

  remove(entry: Entry, breadth: Breadth): void {
    const { position } = entry;
    const uid = entry.uid ?? '';
    const sid = entry.sid ?? '';
    if (entry.scope === 'reissue') {
      if (breadth === 'session') this.#unset(this.#sessionReissues, sid, position);
      else if (breadth === 'user') this.#unset(this.#reissues, uid, position);
      else if (this.reissue === position) {
        this.reissue = 0;
        this.size -= 1;
      }
    } else if (breadth === 'session') {
      this.#unset(this.#revokedSids, sid, position);
    } else if (breadth === 'user') {
      if (this.#unset(this.#floors, uid, position)) this.#spared?.delete(uid);
    } else if (this.floor === position) {
      this.floor = 0;
      this.spared = null;
      this.size -= 1;
    }
  }

  #set(marks: Map<string, number> | null, id: string, position: number): Map<string, number> {
    const map = marks ?? new Map<string, number>();
    const before = map.size;
    map.set(id, position);
    this.size += map.size - before;
    return map;
  }

  #unset(marks: Map<string, number> | null, id: string, position: number): boolean {
    if (marks?.get(id) !== position) return false;
    marks.delete(id);
    this.size -= 1;
    return true;
  }
}
