import type {
  CommitOutcome,
  CommitRequest,
  LogStore,
  MemberStore,
  OperationState,
  SessionStore,
} from '../../src/record/contract.ts';
import { digestOf } from '../../src/revocation/digest.ts';
import type { Entry, Head, Lineage } from '../../src/revocation/types.ts';
import {
  type Committing,
  commitOne,
  commitUnjudged,
  judgeActor,
  logRowOf,
} from './simulation/commit.ts';
import { History } from './simulation/history.ts';
import { type SimulatedSessions, sessionVerbs } from './simulation/sessions.ts';
import { RecordState } from './simulation/tables.ts';

/** How a verb of the record travels: the world decides when it is carried out, and whether its answer comes back. */
export type Carry = <Result>(verb: string, run: () => Result) => Promise<Result>;

/**
 * Rules of the record that a simulation can leave out, to show that it would notice. In production they are SQL.
 *
 * - `identity ignored`: GENERATION: a server that started anew passes for the old one.
 * - `roles before head`: EPOCH: the token's epoch is read by a later statement than its roles.
 * - `authority before transaction`: AUTHORITY: the actor is judged by a statement before the transaction.
 * - `session written back`: a refresh writes the whole row that it has read.
 * - `open unconditional`: MINT: a login makes its session whatever was committed since its credentials were read.
 * - `spared unjudged`: AUTHORITY: a spared session need not be alive.
 */
export type Weakness =
  | 'identity ignored'
  | 'roles before head'
  | 'authority before transaction'
  | 'session written back'
  | 'open unconditional'
  | 'spared unjudged';

/** One server: what it holds, who it is, and what it still does. */
export class RecordServer implements Committing {
  readonly #record: SimulatedRecord;
  state: RecordState;
  identity: number;
  /** False for a primary that was replaced and fenced, or that no standby confirms: it reads, and acknowledges no write. */
  writable = true;
  /** Of its wall clock, from the world's. */
  clockOffsetMs = 0;

  constructor(record: SimulatedRecord, state: RecordState, identity: number) {
    this.#record = record;
    this.state = state;
    this.identity = identity;
  }

  get identityAgrees(): boolean {
    return (
      this.#record.weakness === 'identity ignored' || this.identity === this.state.headIdentity
    );
  }
  get weakness(): Weakness | null {
    return this.#record.weakness;
  }
  /** Takes down when it read what a token will rest on. */
  noteReading(what: object): void {
    this.#record.history.read(what, this.#record.nowMs());
  }

  nowMs = (): number => this.#record.nowMs() + this.clockOffsetMs;

  acting(request: CommitRequest): void {
    if (this === this.#record.primary) this.#record.witness(this.state, request);
  }

  append(entry: Entry): void {
    const standing = this === this.#record.primary;
    this.state.append(entry);
    this.#record.history.committed(entry, this.#record.nowMs(), standing);
  }

  check(): { readonly head: Head; readonly identityAgrees: boolean } {
    return { head: this.state.head, identityAgrees: this.identityAgrees };
  }
}

/**
 * The record in memory, for simulations: it does what docs/protocol.md sections 3 to 6 ask of one, and its server can start
 * anew, be replaced by another that lacks the end of what was written, or be put back.
 */
export class SimulatedRecord {
  readonly nowMs: () => number;
  readonly weakness: Weakness | null;
  readonly history = new History();
  /** Sees every request that the primary is about to carry out. */
  witness: (state: RecordState, request: CommitRequest) => void = () => {};
  primary: RecordServer;
  /** Statements carried out, by verb. */
  readonly carried = new Map<string, number>();
  #identities = 1;

  constructor(nowMs: () => number, weakness: Weakness | null = null) {
    this.nowMs = nowMs;
    this.weakness = weakness;
    this.primary = new RecordServer(this, new RecordState(nowMs), this.#identities);
  }

  get head(): Head {
    return this.primary.state.head;
  }
  get identityAgrees(): boolean {
    return this.primary.identityAgrees;
  }
  get lineage(): Lineage {
    return this.primary.state.lineage;
  }
  get entries(): readonly Entry[] {
    return this.primary.state.after(0);
  }
  get horizon(): number {
    return this.primary.state.horizon;
  }
  get members(): RecordState['members'] {
    return this.primary.state.members;
  }

  /** When the entry at `position` was committed, in the world's time. */
  committedAtMs(position: number): number {
    const committed = this.primary.state.at(position);
    if (committed === undefined) throw new RangeError(`no entry at ${position}`);
    return committed.atMs;
  }

  /** The server starts anew. With `lose`, that many entries at the end are gone, and with them what they had changed. */
  restart(lose = 0): void {
    this.#identities += 1;
    this.primary.identity = this.#identities;
    this.rewind(lose);
  }

  /**
   * Another server takes over that holds what was written until `untilMs` of the world's time: all of it after a synchronous
   * failover, and less after an asynchronous one or a restore.
   * @returns the old primary, as it was; it answers nobody unless the world lets it.
   */
  failOver(untilMs: number): RecordServer {
    const old = new RecordServer(this, this.primary.state.copy(), this.primary.identity);
    old.clockOffsetMs = this.primary.clockOffsetMs;
    const before = this.entries;
    this.primary.state.journal.back(untilMs);
    for (const entry of before) {
      if (this.primary.state.at(entry.position)?.entry !== entry && entry.position > this.horizon)
        this.history.lost(entry, this.nowMs());
    }
    this.#identities += 1;
    this.primary.identity = this.#identities;
    return old;
  }

  /** The row of the member that joined last is gone, although it was acknowledged. */
  loseNewestMember(): void {
    const newest = [...this.members.keys()].at(-1);
    if (newest !== undefined) this.members.delete(newest);
  }

  /** Loses entries without any sign of it: a backup put back by a server that does not tell. */
  rewind(lose: number): void {
    const { state } = this.primary;
    const from = Math.max(0, state.committed.length - lose);
    for (const { entry } of state.committed.splice(from, lose)) {
      state.operations.delete(entry.operationId);
      this.history.lost(entry, this.nowMs());
    }
  }

  /** Lets go of entries up to `position`. */
  trim(position: number): void {
    this.primary.state.trim(position);
  }

  /** Breaks an entry in place: a defect that RECONCILE must find. */
  corrupt(position: number, change: Partial<Entry>): void {
    const { state } = this.primary;
    const committed = state.at(position);
    if (committed === undefined) throw new RangeError(`no entry at ${position}`);
    state.committed[position - state.horizon - 1] = {
      ...committed,
      entry: { ...committed.entry, ...change },
    };
  }

  append(subject: Omit<Entry, 'generation' | 'position'>): Entry {
    const { generation, position } = this.head;
    const entry = { ...subject, generation, position: position + 1 };
    this.primary.append(entry);
    return entry;
  }

  /** @param serverOf which server a statement reaches; the primary unless the world says otherwise */
  log(carry: Carry, serverOf: () => RecordServer = () => this.primary): LogStore {
    const on = this.#on(carry, serverOf);
    return {
      head: () => on('head', (server) => ({ ...server.check(), recordTimeMs: server.nowMs() })),
      fetch: (after, limit) =>
        on('fetch', (server) => ({
          ...server.check(),
          horizon: server.state.horizon,
          entries: server.state.after(after, limit),
        })),
      snapshot: () =>
        on('snapshot', (server) => ({
          ...server.check(),
          horizon: server.state.horizon,
          lineage: server.state.lineage,
        })),
      lineage: () =>
        on('lineage', (server) => ({ ...server.check(), lineage: server.state.lineage })),
      beginGeneration: (expected, id, force) =>
        on('beginGeneration', (server) => begin(server, expected, id, force)),
      settle: (generation) =>
        on('settle', ({ state }) => {
          const settled = state.generations.map((known) =>
            known.id === generation ? { ...known, settled: true } : known,
          );
          state.setGenerations(settled, state.headIdentity);
        }),
      commit: async (requests) => {
        if (this.weakness !== 'authority before transaction')
          return on('commit', (server) => commit(server, requests));
        const judged = await on('judge', (server) =>
          requests.map((request) => judgeActor(server.state, request)),
        );
        return on('commit', (server) => commit(server, requests, judged));
      },
      operation: (_tid, operationId) =>
        on('operation', ({ state }) => operationOf(state, operationId)),
      operationOrAbandon: (tid, operationId) =>
        on('operationOrAbandon', ({ state }) => {
          const found = operationOf(state, operationId);
          if (found.kind !== 'unknown') return found;
          state.operations.set(operationId, { tid, outcome: 'abandoned', entry: null });
          return { kind: 'abandoned' };
        }),
      list: () => on('list', () => []),
      digest: (from, to) =>
        on('digest', (server) => ({
          ...server.check(),
          digest: digestOf(server.state.after(from - 1).filter((entry) => entry.position <= to)),
        })),
    };
  }

  memberStore(carry: Carry, serverOf: () => RecordServer = () => this.primary): MemberStore {
    const on = this.#on(carry, serverOf);
    return {
      join: (member) =>
        on('join', (server) => {
          server.state.members.set(member.id, {
            ...member,
            beat: 0,
            generation: null,
            applied: 0,
            joinedAtMs: server.nowMs(),
          });
          return { ...server.check(), recordTimeMs: server.nowMs() };
        }),
      heartbeat: (id, generation, applied) =>
        on('heartbeat', (server) => {
          const row = server.state.members.get(id);
          if (row === undefined) return { kind: 'removed' };
          // Of the time of a beat nothing in production may know: a mutant looks at it.
          const beaten = {
            ...row,
            beat: row.beat + 1,
            generation,
            applied,
            beatAtMs: server.nowMs(),
          };
          server.state.members.set(id, beaten);
          return { kind: 'beat', ...server.check(), recordTimeMs: server.nowMs() };
        }),
      listForBarrier: (id) =>
        on('listForBarrier', (server) =>
          server.state.members.has(id)
            ? {
                kind: 'members',
                ...server.check(),
                settled: server.state.newest.settled,
                members: [...server.state.members.values()],
              }
            : { kind: 'removed' },
        ),
      list: () => on('listMembers', ({ state }) => [...state.members.values()]),
      watch: () =>
        on('watchMembers', ({ state }) => ({
          head: state.head,
          members: [...state.members.values()].map((row) => ({
            ...row,
            report: null,
            beatAgeMs: null,
          })),
        })),
      leave: (id) =>
        on('leave', ({ state }) => {
          state.members.delete(id);
        }),
      remove: (id, beat) =>
        on(
          'remove',
          ({ state }) => state.members.get(id)?.beat === beat && state.members.delete(id),
        ),
      removeAllBut: (id) =>
        on('removeAllBut', ({ state }) => {
          for (const other of [...state.members.keys()])
            if (other !== id) state.members.delete(other);
        }),
    };
  }

  sessionStore(
    carry: Carry,
    serverOf: () => RecordServer = () => this.primary,
  ): SimulatedSessions & Pick<SessionStore, 'loginFacts' | 'subjectFacts' | 'open' | 'rotate'> {
    return sessionVerbs(this.#on(carry, serverOf));
  }

  #on(carry: Carry, serverOf: () => RecordServer): On {
    return (verb, run) =>
      carry(verb, () => {
        this.carried.set(verb, (this.carried.get(verb) ?? 0) + 1);
        return run(serverOf());
      });
  }
}

/** Carries a statement to whichever server it reaches. */
export type On = <Result>(verb: string, run: (server: RecordServer) => Result) => Promise<Result>;

function begin(server: RecordServer, expected: string, id: string, force: boolean): Head {
  const { state } = server;
  if (state.head.generation === expected && (force || !server.identityAgrees)) {
    const begun = { id, parent: expected, parentEnd: state.head.position, settled: false };
    state.setGenerations([...state.generations, begun], server.identity);
  }
  return state.head;
}

/** @param judged AUTHORITY, where it was looked at before the transaction only */
function commit(
  server: RecordServer,
  requests: readonly CommitRequest[],
  judged: readonly (CommitOutcome['kind'] | null)[] | null = null,
): readonly CommitOutcome[] {
  const { state } = server;
  for (const { restored, operationId } of requests) {
    // RESTORE: a repeated declaration begins none.
    if (restored !== undefined && !state.operations.has(operationId))
      begin(server, state.head.generation, restored, true);
  }
  if (!server.identityAgrees)
    return requests.map(() => ({ kind: 'identity_changed', head: state.head }));
  return requests.map((request, index) => {
    if (judged === null) return commitOne(server, request);
    const refused = judged[index] ?? null;
    return refused === null
      ? commitUnjudged(server, request)
      : ({ kind: refused } as CommitOutcome);
  });
}

function operationOf(state: RecordState, operationId: string): OperationState {
  const row = state.operations.get(operationId);
  if (row === undefined) return { kind: 'unknown' };
  if (row.outcome === 'abandoned') return { kind: 'abandoned' };
  return { kind: 'committed', row: logRowOf(state, row) };
}
