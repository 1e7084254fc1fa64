import type { Timer } from '../clock.ts';
import type { Acknowledgement } from '../hub/contract.ts';
import type { MemberStore } from '../record/contract.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { Barrier, type BarrierEntry, type BarrierState } from './barrier.ts';
import { BarrierPace } from './barrier-pace.ts';
import { driftMarginMs, MAX_TERM_MS } from './constants.ts';
import type { BarrierResult } from './contract.ts';
import type { Node } from './node.ts';

interface Waiting {
  /** The name of a committed entry, and its operation. */
  entry: BarrierEntry;
  readonly openedMs: number;
  barrier: Barrier;
  timer: Timer | null;
  resolve(result: BarrierResult): void;
}

type MemberList = Extract<Awaited<ReturnType<MemberStore['listForBarrier']>>, { kind: 'members' }>;

/**
 * BARRIER, the part that asks: who the members are, by a write of this node's own row, once for all that wait; again each
 * heartbeat interval and at the end of a term, which brings acknowledgements by row and the confirmation that the history
 * still is the same.
 */
export class Barriers {
  readonly #node: Node;
  readonly #waiting = new Set<Waiting>();
  readonly #acknowledged = new Acknowledgements();
  readonly #pace: BarrierPace;
  #asking = false;
  #again = false;
  #timer: Timer | null = null;
  /** The last list, for those who do not wait for one of their own. */
  #lastList: MemberList | null = null;

  constructor(node: Node) {
    this.#node = node;
    this.#pace = new BarrierPace(node.settings.heartbeatMs);
  }

  /** Resolves with `everywhere`, or with `pending` after `waitMs`. Never rejects. */
  wait(entry: BarrierEntry, waitMs: number): Promise<BarrierResult> {
    return new Promise((resolve) => {
      const nowMs = this.#node.clock.monotonicMs();
      const waiting: Waiting = {
        entry,
        openedMs: nowMs,
        barrier: this.#open(entry, nowMs),
        timer: null,
        resolve,
      };
      this.#waiting.add(waiting);
      this.#pace.restart();
      waiting.timer = this.#node.clock.after(Math.max(0, waitMs), () => {
        if (!this.#settle(waiting)) this.#finish(waiting, 'pending');
      });
      this.#ask();
    });
  }

  /** A member's acknowledgement came through the hub. */
  acknowledged(acknowledgement: Acknowledgement): void {
    if (!this.#acknowledged.take(acknowledgement)) return;
    const { memberId, generation, position } = acknowledgement;
    this.#tell((barrier) => barrier.acknowledge(memberId, generation, position));
  }

  /** This node has applied entries and cut what they hit. */
  advanced(): void {
    this.#tell((barrier) => this.#acknowledgeOwn(barrier));
  }

  /** A write of this node, sent at `sentMs`, returned `generation` and an agreeing identity. */
  confirmed(generation: string, sentMs: number): void {
    this.#tell((barrier) => barrier.confirm(generation, sentMs));
  }

  /** The view is of another generation: what is still part of the history waits anew there. */
  entered(): void {
    for (const waiting of this.#waiting) this.#align(waiting);
    if (this.#waiting.size > 0) this.#ask();
  }

  /** This node may ask again (it has joined). */
  resume(): void {
    if (this.#waiting.size > 0) this.#ask();
  }

  /** The node leaves: whoever waits learns what is known. */
  close(): void {
    this.#timer?.cancel();
    for (const waiting of [...this.#waiting]) this.#finish(waiting, 'pending');
  }

  /** A barrier counts from when this node knew of the commit, but not from before the generation it counts in. */
  #open(entry: BarrierEntry, nowMs: number): Barrier {
    const { view, generationSeenMs } = this.#node;
    const found = this.#find(entry);
    if (found === null) return new Barrier(entry, nowMs);
    const knownSinceMs = view.knownSinceMs(found.position) ?? nowMs;
    const name = { generation: view.generation, position: found.position };
    return new Barrier(name, Math.max(knownSinceMs, generationSeenMs));
  }

  /**
   * The generation has changed meanwhile: the entry is looked up by its name and the barrier starts anew. A lost one that
   * was handed in goes on at its new position (HAND IN); any other stays pending: it is nobody's promise.
   */
  #align(waiting: Waiting): void {
    const { view, clock } = this.#node;
    const { name } = waiting.barrier;
    const entry = this.#find(waiting.entry);
    if (entry === null) return;
    if (name.generation === view.generation && name.position === entry.position) return;
    waiting.entry = entry;
    waiting.barrier = new Barrier(
      { generation: view.generation, position: entry.position },
      clock.monotonicMs(),
    );
  }

  /** The entry under the name that it has in the view's history; null when it is not part of it. */
  #find(entry: BarrierEntry): BarrierEntry | null {
    const { view, renamed } = this.#node;
    if (view.history.has(entry)) return entry;
    const name = renamed.get(entry.operationId);
    return name !== undefined && view.history.has(name)
      ? { ...name, operationId: entry.operationId }
      : null;
  }

  #ask(): void {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    this.#again = false;
    this.#timer?.cancel();
    void this.#list().finally(() => {
      this.#asking = false;
      if (this.#again && this.#node.phase === 'serving') this.#ask();
      else this.#schedule();
    });
  }

  /** Never rejects. Only barriers that were open before it was sent take the list for their own. */
  async #list(): Promise<void> {
    const node = this.#node;
    if (node.phase !== 'serving') return;
    const asking = [...this.#waiting].map((waiting) => ({ waiting, barrier: waiting.barrier }));
    const { memberId } = node;
    const sent = node.view.end;
    const sentMs = node.clock.monotonicMs();
    try {
      const answer = await node.settings.members.listForBarrier(memberId);
      if (answer.kind === 'removed') {
        node.signals.removed(memberId);
      } else if (!answer.identityAgrees) {
        node.signals.begin(answer.head, false);
      } else if (
        answer.head.generation === sent.generation &&
        answer.head.position < sent.position
      ) {
        // GENERATION: the log ends below what this node has applied; this is another history under the old name.
        node.signals.begin(answer.head, true);
      } else if (answer.head.generation !== node.view.generation) {
        node.learn(answer.head);
      } else {
        node.settled ||= answer.settled;
        this.#listed(answer, sentMs);
        for (const { waiting, barrier } of asking) {
          // One that started anew since then needs a list of its own.
          if (waiting.barrier !== barrier) continue;
          if (barrier.name.generation === answer.head.generation)
            this.#take(barrier, answer, sentMs);
          this.#settle(waiting);
        }
        node.learn(answer.head);
      }
    } catch (error) {
      node.failed('BARRIER', error);
    } finally {
      this.#pace.took(node.clock.monotonicMs() - sentMs);
    }
  }

  /** Forgets acknowledgements of members that are gone; the write also confirms what waits already. */
  #listed(answer: MemberList, sentMs: number): void {
    this.#lastList = answer;
    this.#acknowledged.keep(answer.members);
    this.confirmed(answer.head.generation, sentMs);
  }

  #take(barrier: Barrier, answer: MemberList, sentMs: number): void {
    barrier.list(answer.members, sentMs, this.#firstTermEndsMs());
    this.#acknowledged.giveTo(barrier);
    this.#acknowledgeOwn(barrier);
  }

  #acknowledgeOwn(barrier: Barrier): void {
    const { memberId, view } = this.#node;
    barrier.acknowledge(memberId, view.generation, view.applied);
  }

  /** FIRST TERM: members of a lost history may answer until then. Embedded, a lock proves that there are none. */
  #firstTermEndsMs(): number {
    const { settled, settings, generationSeenMs } = this.#node;
    if (settled || settings.exclusive) return Number.NEGATIVE_INFINITY;
    return generationSeenMs + MAX_TERM_MS + driftMarginMs(MAX_TERM_MS);
  }

  #tell(news: (barrier: Barrier) => void): void {
    for (const waiting of [...this.#waiting]) {
      news(waiting.barrier);
      this.#settle(waiting);
    }
  }

  #settle(waiting: Waiting): boolean {
    if (!this.#waiting.has(waiting)) return true;
    if (!waiting.barrier.state(this.#node.clock.monotonicMs()).everywhere) return false;
    this.#finish(waiting, 'everywhere');
    return true;
  }

  #finish(waiting: Waiting, effective: BarrierResult['effective']): void {
    if (!this.#waiting.delete(waiting)) return;
    waiting.timer?.cancel();
    const nowMs = this.#node.clock.monotonicMs();
    const { barrier } = waiting;
    const state = barrier.listed
      ? { ...barrier.state(nowMs), waitingFor: barrier.waitingFor(nowMs) }
      : this.#lastKnown(barrier, nowMs);
    const waitedMs = nowMs - waiting.openedMs;
    this.#node.emit({
      kind: 'barrier',
      effective,
      position: waiting.entry.position,
      members: state.members,
      waitedMs,
    });
    waiting.resolve({
      effective,
      members: state.members,
      acknowledged: state.acknowledged,
      ...(effective === 'pending' ? { waitingFor: state.waitingFor } : {}),
      waitedMs,
      deadlineMs: effective === 'pending' ? this.#deadlineMs(state, nowMs) : null,
    });
  }

  /**
   * What is known to a call that did not wait for a list: the members of the last one, and what they have acknowledged
   * since. Never `everywhere`: others may have joined.
   */
  #lastKnown(
    barrier: Barrier,
    nowMs: number,
  ): BarrierState & { readonly waitingFor: readonly string[] } {
    const list = this.#lastList;
    const { generation, position } = barrier.name;
    if (list?.head.generation !== generation) return { ...barrier.state(nowMs), waitingFor: [] };
    const { memberId, view } = this.#node;
    const waitingFor = list.members.flatMap(({ id, ...row }) => {
      const known = id === memberId ? view : row;
      const has = known.generation === generation && known.applied >= position;
      return has || this.#acknowledged.has(id, barrier.name) ? [] : [id];
    });
    const members = list.members.length;
    const acknowledged = members - waitingFor.length;
    return { ...barrier.state(nowMs), members, acknowledged, waitingFor };
  }

  /** In wall time; one interval more for the write that confirms. While the members are unknown MAX_TERM bounds them. */
  #deadlineMs(state: BarrierState, nowMs: number): number {
    const { settings } = this.#node;
    const endsMs =
      state.deadlineMs ??
      Math.max(nowMs + MAX_TERM_MS + driftMarginMs(MAX_TERM_MS), this.#firstTermEndsMs());
    return Math.ceil(this.#node.wallNowMs() + Math.max(0, endsMs - nowMs) + settings.heartbeatMs);
  }

  /** Asks again at its pace, or when the next term ends, if that is earlier. */
  #schedule(): void {
    if (this.#waiting.size === 0) return;
    const { clock, settings } = this.#node;
    const nowMs = clock.monotonicMs();
    let delayMs = this.#pace.nextMs(!settings.hub.acknowledging());
    for (const { barrier } of this.#waiting) {
      const { nextEndMs } = barrier.state(nowMs);
      if (nextEndMs !== null) delayMs = Math.min(delayMs, nextEndMs - nowMs);
    }
    this.#timer = clock.after(Math.max(1, Math.ceil(delayMs)), () => this.#ask());
  }
}
