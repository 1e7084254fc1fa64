import type {
  CommitRequest,
  LogStore,
  MemberStore,
  SessionStore,
} from '../../src/record/contract.ts';
import type { Entry, Head, Lineage } from '../../src/revocation/types.ts';
import type { Committing } from './simulation/commit.ts';
import { History } from './simulation/history.ts';
import { logVerbs } from './simulation/log.ts';
import { memberVerbs } from './simulation/members.ts';
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
    return logVerbs(this.#on(carry, serverOf), this.weakness);
  }

  memberStore(carry: Carry, serverOf: () => RecordServer = () => this.primary): MemberStore {
    return memberVerbs(this.#on(carry, serverOf));
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
