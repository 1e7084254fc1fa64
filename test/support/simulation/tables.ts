import type { MemberRow, SessionRow } from '../../../src/record/contract.ts';
import type { Entry, Generation, Head, Lineage } from '../../../src/revocation/types.ts';

/**
 * What was written and can be taken back, newest last: a failover that loses the last milliseconds, or a restore that
 * loses minutes, takes back everything since, of whatever table.
 */
export class Journal {
  readonly #nowMs: () => number;
  readonly #notes: { readonly atMs: number; readonly undo: () => void }[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  note(undo: () => void): void {
    this.#notes.push({ atMs: this.#nowMs(), undo });
    if (this.#notes.length > MAX_NOTES) this.#notes.splice(0, MAX_NOTES / 2);
  }

  /** Takes back what was written after `sinceMs`. */
  back(sinceMs: number): void {
    for (let last = this.#notes.at(-1); last !== undefined; last = this.#notes.at(-1)) {
      if (last.atMs <= sinceMs) return;
      this.#notes.pop();
      last.undo();
    }
  }
}

const MAX_NOTES = 50_000;

/** Rows by key; a row is never changed in place. */
export class Table<Row> extends Map<string, Row> {
  readonly #journal: Journal;

  constructor(journal: Journal, rows: Iterable<readonly [string, Row]> = []) {
    super();
    this.#journal = journal;
    for (const [key, row] of rows) super.set(key, row);
  }

  override set(key: string, row: Row): this {
    const before = this.get(key);
    this.#journal?.note(() => {
      if (before === undefined) super.delete(key);
      else super.set(key, before);
    });
    return super.set(key, row);
  }

  override delete(key: string): boolean {
    const before = this.get(key);
    if (before === undefined) return false;
    this.#journal.note(() => super.set(key, before));
    return super.delete(key);
  }
}

export interface Committed {
  readonly entry: Entry;
  readonly atMs: number;
}

export interface OperationRow {
  readonly tid: string | null;
  readonly outcome: 'committed' | 'abandoned';
  readonly entry: Entry | null;
}

export interface FloorRow {
  readonly epoch: number;
  readonly sparedSid: string | null;
}

export interface UserRow {
  readonly tid: string;
  readonly uid: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly status: 'active' | 'disabled';
  readonly passwordHash: string;
  readonly version: number;
}

export interface UsedToken {
  readonly hash: string;
  readonly rot: number;
  readonly keyId: string;
}

export interface StoredSession
  extends Pick<
    SessionRow,
    'sid' | 'uid' | 'amr' | 'authTimeMs' | 'createdAtMs' | 'generation' | 'epoch' | 'rot'
  > {
  readonly tid: string;
  readonly endedHow: string | null;
  readonly currentHash: string;
  readonly successorHash: string;
  readonly successorKeyId: string;
  readonly used: readonly UsedToken[];
}

/** Everything that one server holds. */
export class RecordState {
  readonly #nowMs: () => number;
  readonly journal: Journal;
  committed: Committed[];
  horizon: number;
  generations: readonly Generation[];
  headIdentity: number;
  readonly members: Table<MemberRow>;
  readonly operations: Table<OperationRow>;
  readonly floors: Table<FloorRow>;
  readonly sessions: Table<StoredSession>;
  readonly users: Table<UserRow>;

  constructor(nowMs: () => number, from: RecordState | null = null) {
    this.#nowMs = nowMs;
    this.journal = new Journal(nowMs);
    this.committed = [...(from?.committed ?? [])];
    this.horizon = from?.horizon ?? 0;
    this.generations = from?.generations ?? [
      { id: 'g0', parent: null, parentEnd: 0, settled: true },
    ];
    this.headIdentity = from?.headIdentity ?? 1;
    this.members = new Table(this.journal, from?.members);
    this.operations = new Table(this.journal, from?.operations);
    this.floors = new Table(this.journal, from?.floors);
    this.sessions = new Table(this.journal, from?.sessions);
    this.users = new Table(this.journal, from?.users);
  }

  copy(): RecordState {
    return new RecordState(this.#nowMs, this);
  }

  get head(): Head {
    return { generation: this.newest.id, position: this.horizon + this.committed.length };
  }
  get newest(): Generation {
    return this.generations.at(-1) as Generation;
  }
  get lineage(): Lineage {
    return [...this.generations].reverse();
  }

  at(position: number): Committed | undefined {
    return this.committed[position - this.horizon - 1];
  }

  /** Entries after `after`, at most `limit`. */
  after(after: number, limit = Number.POSITIVE_INFINITY): Entry[] {
    const from = Math.max(0, after - this.horizon);
    return this.committed.slice(from, from + limit).map(({ entry }) => entry);
  }

  append(entry: Entry): void {
    this.journal.note(() => this.committed.pop());
    this.committed.push({ entry, atMs: this.#nowMs() });
  }

  /** Lets go of entries up to `position`. */
  trim(position: number): void {
    const gone = this.committed.splice(0, Math.max(0, position - this.horizon));
    const before = this.horizon;
    this.horizon += gone.length;
    this.journal.note(() => {
      this.committed.unshift(...gone);
      this.horizon = before;
    });
  }

  setGenerations(generations: readonly Generation[], headIdentity: number): void {
    const before = { generations: this.generations, headIdentity: this.headIdentity };
    this.journal.note(() => {
      this.generations = before.generations;
      this.headIdentity = before.headIdentity;
    });
    this.generations = generations;
    this.headIdentity = headIdentity;
  }
}
