import type {
  CommitOutcome,
  CommitRequest,
  LogStore,
  MemberRow,
  MemberStore,
} from '../../src/record/contract.ts';
import { digestOf } from '../../src/revocation/digest.ts';
import type { Entry, Generation, Head, Lineage } from '../../src/revocation/types.ts';

/** How a verb of the record travels: the world decides when it is carried out, and whether its answer comes back. */
export type Carry = <Result>(verb: string, run: () => Result) => Promise<Result>;

interface Committed {
  readonly entry: Entry;
  readonly atMs: number;
}

/**
 * The protocol's part of the record, in memory, for simulations: it does what docs/protocol.md sections 3 to 6 ask of a
 * record, and can restart, and lose the end of its log.
 */
export class SimulatedRecord {
  readonly #nowMs: () => number;
  #identity = 1;
  #headIdentity = 1;
  #entries: Committed[] = [];
  #horizon = 0;
  #generations: Generation[] = [{ id: 'g0', parent: null, parentEnd: 0, settled: true }];
  readonly members = new Map<string, MemberRow>();
  #operations = new Map<string, Entry | null>();
  /** Statements carried out, by verb. */
  readonly carried = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get head(): Head {
    return { generation: this.#newest().id, position: this.#horizon + this.#entries.length };
  }
  get identityAgrees(): boolean {
    return this.#identity === this.#headIdentity;
  }
  get lineage(): Lineage {
    return [...this.#generations].reverse();
  }
  get entries(): readonly Entry[] {
    return this.#entries.map((committed) => committed.entry);
  }
  get horizon(): number {
    return this.#horizon;
  }

  /** When the entry at `position` was committed, in the world's time. */
  committedAtMs(position: number): number {
    const committed = this.#entries[position - this.#horizon - 1];
    if (committed === undefined) throw new RangeError(`no entry at ${position}`);
    return committed.atMs;
  }

  /** The server starts anew. With `lose`, that many entries at the end are gone, and with them what they had changed. */
  restart(lose = 0): void {
    this.#identity += 1;
    for (const { entry } of this.#entries.splice(Math.max(0, this.#entries.length - lose), lose)) {
      this.#operations.delete(entry.operationId);
    }
  }

  /** The row of the member that joined last is gone, although it was acknowledged. */
  loseNewestMember(): void {
    const newest = [...this.members.keys()].at(-1);
    if (newest !== undefined) this.members.delete(newest);
  }

  /** Loses entries without any sign of it: a backup put back by a server that does not tell. */
  rewind(lose: number): void {
    this.#entries.splice(Math.max(0, this.#entries.length - lose), lose);
  }

  /** Lets go of entries up to `position`. */
  trim(position: number): void {
    this.#entries.splice(0, position - this.#horizon);
    this.#horizon = position;
  }

  /** Breaks an entry in place: a defect that RECONCILE must find. */
  corrupt(position: number, change: Partial<Entry>): void {
    const committed = this.#entries[position - this.#horizon - 1];
    if (committed === undefined) throw new RangeError(`no entry at ${position}`);
    this.#entries[position - this.#horizon - 1] = {
      ...committed,
      entry: { ...committed.entry, ...change },
    };
  }

  append(subject: Omit<Entry, 'generation' | 'position'>): Entry {
    const entry = { ...subject, ...this.#next() };
    this.#entries.push({ entry, atMs: this.#nowMs() });
    return entry;
  }

  log(carry: Carry): LogStore {
    const counted = this.#counted(carry);
    const check = () => ({ head: this.head, identityAgrees: this.identityAgrees });
    return {
      head: () => counted('head', () => ({ ...check(), recordTimeMs: this.#nowMs() })),
      fetch: (after, limit) =>
        counted('fetch', () => ({
          ...check(),
          horizon: this.#horizon,
          entries: this.entries.filter((entry) => entry.position > after).slice(0, limit),
        })),
      snapshot: () =>
        counted('snapshot', () => ({
          ...check(),
          horizon: this.#horizon,
          entries: this.entries,
          lineage: this.lineage,
        })),
      lineage: () => counted('lineage', () => ({ ...check(), lineage: this.lineage })),
      beginGeneration: (expected, id, force) =>
        counted('beginGeneration', () => this.#begin(expected, id, force)),
      settle: (generation) =>
        counted('settle', () => {
          this.#generations = this.#generations.map((known) =>
            known.id === generation ? { ...known, settled: true } : known,
          );
        }),
      commit: (requests) => counted('commit', () => this.#commit(requests)),
      operation: (_tid, operationId) => counted('operation', () => this.#operation(operationId)),
      operationOrAbandon: (_tid, operationId) =>
        counted('operationOrAbandon', () => this.#operation(operationId)),
      list: () => counted('list', () => []),
      digest: (from, to) =>
        counted('digest', () => ({
          ...check(),
          digest: digestOf(
            this.entries.filter((entry) => entry.position >= from && entry.position <= to),
          ),
        })),
    };
  }

  memberStore(carry: Carry): MemberStore {
    const counted = this.#counted(carry);
    const check = () => ({ head: this.head, identityAgrees: this.identityAgrees });
    return {
      join: (member) =>
        counted('join', () => {
          this.members.set(member.id, {
            ...member,
            beat: 0,
            generation: null,
            applied: 0,
            joinedAtMs: this.#nowMs(),
          });
          return { ...check(), recordTimeMs: this.#nowMs() };
        }),
      heartbeat: (id, generation, applied) =>
        counted('heartbeat', () => {
          const row = this.members.get(id);
          if (row === undefined) return { kind: 'removed' };
          this.members.set(id, { ...row, beat: row.beat + 1, generation, applied });
          return { kind: 'beat', ...check(), recordTimeMs: this.#nowMs() };
        }),
      listForBarrier: (id) =>
        counted('listForBarrier', () =>
          this.members.has(id)
            ? {
                kind: 'members',
                ...check(),
                settled: this.#newest().settled,
                members: [...this.members.values()],
              }
            : { kind: 'removed' },
        ),
      list: () => counted('listMembers', () => [...this.members.values()]),
      watch: () =>
        counted('watchMembers', () => ({
          head: this.head,
          members: [...this.members.values()].map((row) => ({
            ...row,
            report: null,
            beatAgeMs: null,
          })),
        })),
      leave: (id) =>
        counted('leave', () => {
          this.members.delete(id);
        }),
      remove: (id, beat) =>
        counted('remove', () => this.members.get(id)?.beat === beat && this.members.delete(id)),
      removeAllBut: (id) =>
        counted('removeAllBut', () => {
          for (const other of this.members.keys()) if (other !== id) this.members.delete(other);
        }),
    };
  }

  #counted(carry: Carry): Carry {
    return (verb, run) =>
      carry(verb, () => {
        this.carried.set(verb, (this.carried.get(verb) ?? 0) + 1);
        return run();
      });
  }

  #newest(): Generation {
    const newest = this.#generations.at(-1);
    if (newest === undefined) throw new Error('a record has a generation');
    return newest;
  }

  #next(): { readonly generation: string; readonly position: number } {
    return { generation: this.head.generation, position: this.head.position + 1 };
  }

  #begin(expected: string, id: string, force: boolean): Head {
    if (this.head.generation === expected && (force || !this.identityAgrees)) {
      this.#generations.push({
        id,
        parent: expected,
        parentEnd: this.head.position,
        settled: false,
      });
      this.#headIdentity = this.#identity;
    }
    return this.head;
  }

  #commit(requests: readonly CommitRequest[]): readonly CommitOutcome[] {
    if (!this.identityAgrees)
      return requests.map(() => ({ kind: 'identity_changed', head: this.head }));
    return requests.map((request): CommitOutcome => {
      if (this.#operations.has(request.operationId)) {
        return { kind: 'duplicate', operationId: request.operationId, row: null };
      }
      const entries = request.revoke.map((subject, index) =>
        this.append({
          ...subject,
          operationId: index === 0 ? request.operationId : `${request.operationId}.${index}`,
        }),
      );
      this.#operations.set(request.operationId, entries[0] ?? null);
      return {
        kind: 'committed',
        entries,
        head: this.head,
        user: null,
        session: null,
        version: null,
      };
    });
  }

  #operation(
    operationId: string,
  ): { readonly kind: 'unknown' } | { readonly kind: 'committed'; readonly row: null } {
    return this.#operations.has(operationId)
      ? { kind: 'committed', row: null }
      : { kind: 'unknown' };
  }
}
