import type { Clock } from '../clock.ts';
import { Connections } from './connections.ts';
import type { Judgement, KillReason } from './contract.ts';
import type { FollowerEvent, Source } from './events.ts';
import { Lease } from './lease.ts';
import type { Name } from './lineage.ts';
import type { FollowerSettings } from './options.ts';
import { ProofWaiters } from './proof-waiters.ts';
import type { Entry, Freshness, Head, Lineage, TokenFacts } from './types.ts';
import { View } from './view.ts';
import { type RecordTime, WallTime } from './wall-time.ts';

/** What the parts of a follower ask of each other; the follower connects them. */
export interface Signals {
  /** FOLLOW: entries are missing. */
  fetch(): void;
  /** LINEAGE: another history was heard of. */
  meet(): void;
  /** GENERATION: the record's identity is not that of the head that it named. `force`: an `applied` lies above it. */
  begin(head: Head, force: boolean): void;
  /** HEARTBEAT: at once. */
  beat(): void;
  /** MEMBERS: the row of `memberId` is gone. */
  removed(memberId: string): void;
  /** BARRIER: a write sent at `sentMs` returned `generation`, and its identity agreed. */
  confirmed(generation: string, sentMs: number): void;
  /** BARRIER: this node has applied entries. */
  advanced(): void;
  /** BARRIER, MEMBERS: the view is of another generation now. */
  entered(): void;
}

/** Every judgement that there is: answering allocates nothing. */
export const PASS_FRESH: Judgement = Object.freeze({ kind: 'pass', freshness: 'fresh' });
export const PASS_STALE: Judgement = Object.freeze({ kind: 'pass', freshness: 'stale' });
export const REVOKED: Judgement = Object.freeze({ kind: 'revoked' });
export const SUPERSEDED: Judgement = Object.freeze({ kind: 'superseded' });
const UNKNOWN_GENERATION: Judgement = Object.freeze({ kind: 'unknown_generation' });
export const UNAVAILABLE: Judgement = Object.freeze({ kind: 'unavailable' });

/**
 * What a node is at a moment: its view, its lease, its connections. Everything here is synchronous, so that between two
 * `await`s of anybody the view, the dead connections and the acknowledgement agree.
 */
export class Node {
  readonly settings: FollowerSettings;
  readonly clock: Clock;
  readonly view = new View();
  readonly lease: Lease;
  readonly connections = new Connections();
  readonly waiters: ProofWaiters;
  readonly signals: Signals;

  memberId = '';
  phase: 'joining' | 'serving' | 'left' = 'joining';
  /** LINEAGE: the view holds entries that were lost; it judges nobody in until it was replaced. */
  rebuilding = false;
  /** FIRST TERM: when the view's generation was first seen, and whether its first term is known to be over. */
  generationSeenMs = Number.NEGATIVE_INFINITY;
  settled = false;
  /** HAND IN: operations whose entries were lost and have another name now, oldest first. */
  readonly renamed = new Map<string, Name>();
  /** For operators: the highest head that the record named. */
  headSeen = 0;
  lastHeartbeatMs: number | null = null;
  #wall: WallTime | null = null;
  #entered = '';
  #stepped = false;
  #unknownReported = 0;

  constructor(settings: FollowerSettings, signals: Signals) {
    this.settings = settings;
    this.clock = settings.clock;
    this.lease = new Lease(settings.leaseMs, settings.toleranceMs);
    this.waiters = new ProofWaiters(settings.clock);
    this.signals = signals;
  }

  // ── ANSWER ──────────────────────────────────────────────────────────────────────────────────────────────────────

  freshnessNow(): Freshness | 'unavailable' {
    if (this.phase !== 'serving' || this.rebuilding) return 'unavailable';
    return this.lease.freshness(this.clock.monotonicMs(), this.view.hasGap);
  }

  /** Revoked is 401 in every state; 503 is for those who would otherwise pass. */
  judgeNow(facts: TokenFacts): Judgement {
    const verdict = this.view.judge(facts);
    if (verdict === 'revoked') return REVOKED;
    if (verdict === 'superseded') return SUPERSEDED;
    const freshness = this.freshnessNow();
    if (freshness === 'unavailable') return UNAVAILABLE;
    if (verdict === 'unknown_generation') return UNKNOWN_GENERATION;
    return freshness === 'fresh' ? PASS_FRESH : PASS_STALE;
  }

  // ── FOLLOW ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Applies entries, cuts the connections they hit, and only then lets anybody know. */
  take(entries: readonly Entry[], from: Source): void {
    if (this.view.generation === '') return;
    const nowMs = this.clock.monotonicMs();
    let applied = 0;
    let killed = 0;
    for (const entry of entries) {
      const outcome = this.view.apply(entry, nowMs);
      if (outcome === 'applied') {
        applied += 1;
        killed += this.strike(entry);
      } else if (outcome !== 'known') {
        this.#missed(entry, outcome);
        break;
      }
    }
    this.tookEntries(applied, killed, from);
  }

  /** SOCKETS: cuts what an entry that was just applied hits. */
  strike(entry: Entry): number {
    return this.connections.strike(entry, (connection) =>
      this.view.judgeRegistered(connection.facts),
    );
  }

  /** After entries were applied, by whatever way: counts, proves, acknowledges. */
  tookEntries(applied: number, killed: number, from: Source): void {
    this.emitKilled(killed, 'revoked');
    if (applied > 0) {
      this.emit({ kind: 'applied', entries: applied, position: this.view.applied, from });
      this.advanced();
    }
    this.sweep();
  }

  /** The view has moved: waiting proofs may be covered now, and others wait for this acknowledgement. */
  advanced(): void {
    if (this.phase === 'left') return;
    if (this.lease.cover(this.view.end)) this.waiters.covered(this.lease.coveredAtMs);
    const { hub } = this.settings;
    hub.acknowledge({
      memberId: this.memberId,
      generation: this.view.generation,
      position: this.view.applied,
    });
    // HEARTBEAT: at once after entries were applied while acknowledgements cannot go through a hub.
    if (!hub.acknowledging()) this.signals.beat();
    this.signals.advanced();
  }

  /** Takes note of a head that the record, or another node, named; asks for what is missing. */
  learn(head: Head): void {
    if (this.view.generation === '') return;
    this.view.learn(head);
    // A walk that failed left the view unfit to answer; it is tried again, whatever generation it was of.
    if (this.rebuilding) this.signals.meet();
    if (head.generation === this.view.generation) {
      this.headSeen = Math.max(this.headSeen, head.position);
      if (head.position > this.view.applied) this.signals.fetch();
    } else if (this.view.history.endOf(head.generation) === undefined) {
      this.signals.meet();
    }
    this.sweep();
  }

  /** UPGRADE: says, once a position, that the view does not go on there. */
  reportUnknownScope(): void {
    const position = this.view.applied + 1;
    const scope = this.view.unknownScope;
    if (scope === null || this.#unknownReported === position) return;
    this.#unknownReported = position;
    this.emit({ kind: 'unknown_scope', position, scope });
  }

  #missed(entry: Entry, outcome: 'gap' | 'foreign_generation' | 'unknown_scope'): void {
    if (outcome === 'unknown_scope') {
      this.reportUnknownScope();
      return;
    }
    // An entry of an older generation that is not in the history is a lost one: whoever holds it hands it in (HAND IN).
    this.learn(entry);
    if (outcome === 'gap')
      this.emit({ kind: 'gap', applied: this.view.applied, position: entry.position });
  }

  // ── LINEAGE ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The view is of the newest generation of `lineage` now. */
  entered(lineage: Lineage): void {
    if (this.#entered !== this.view.generation) {
      this.#entered = this.view.generation;
      this.generationSeenMs = this.clock.monotonicMs();
      this.settled = false;
      this.settings.hub.enter(this.view.generation);
    }
    this.settled ||= lineage[0]?.settled ?? false;
    this.headSeen = this.view.applied;
    this.lease.dropWaiting();
    this.emit({
      kind: 'generation_entered',
      generation: this.view.generation,
      applied: this.view.applied,
    });
    this.signals.entered();
    this.advanced();
    this.signals.beat();
  }

  // ── SOCKETS ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Cuts every connection when the node may no longer answer. */
  sweep(): void {
    if (this.connections.size > 0 && this.freshnessNow() === 'unavailable')
      this.killAll('unavailable');
  }

  killAll(why: KillReason): void {
    this.emitKilled(this.connections.killAll(why), why);
  }

  emitKilled(count: number, why: KillReason): void {
    if (count > 0) this.emit({ kind: 'connections_killed', count, why });
  }

  // ── WALL TIME ───────────────────────────────────────────────────────────────────────────────────────────────────

  get knowsWallTime(): boolean {
    return this.#wall !== null;
  }

  /** Takes a reading of the record's clock: the first sets the time, later ones slew it. */
  setWallTime(reading: RecordTime): void {
    if (this.#wall === null) {
      this.#wall = new WallTime(reading);
      return;
    }
    const { differenceMs, adopted } = this.#wall.slew(reading, this.clock.wallMs());
    if (adopted || (differenceMs !== 0 && !this.#stepped))
      this.emit({ kind: 'wall_time_step', differenceMs, adopted });
    this.#stepped = differenceMs !== 0 && !adopted;
  }

  /** Before joining, this machine's own idea of it. */
  wallNowMs(): number {
    return this.#wall === null ? this.clock.wallMs() : this.#wall.at(this.clock.monotonicMs());
  }

  // ── Reports ─────────────────────────────────────────────────────────────────────────────────────────────────────

  emit(event: FollowerEvent): void {
    try {
      this.settings.onEvent(event);
    } catch {
      // A log or a metric that fails must not take the protocol with it.
    }
  }

  failed(what: string, error: unknown): void {
    this.emit({ kind: 'failed', what, error });
  }
}
