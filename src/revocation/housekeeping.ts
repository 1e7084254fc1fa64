import type { Timer } from '../clock.ts';
import { driftMarginMs, MAX_TERM_MS, MEMBERS_EVERY_MS } from './constants.ts';
import { Membership } from './membership.ts';
import type { Node } from './node.ts';
import type { Reconciling } from './reconciling.ts';

/**
 * What a node does from time to time: cuts connections whose session, or whose right to be answered, has ended (SOCKETS);
 * forgets (FORGET); settles its generation (FIRST TERM); removes members that have stopped (MEMBERS); compares (RECONCILE).
 */
export class Housekeeping {
  readonly #node: Node;
  readonly #reconciling: Reconciling;
  readonly #membership = new Membership();
  #timer: Timer | null = null;
  #running = false;
  #membersDueMs = 0;
  #busy = false;
  #settling = false;

  constructor(node: Node, reconciling: Reconciling) {
    this.#node = node;
    this.#reconciling = reconciling;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#tick();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
  }

  /** Another generation: what was seen of other members is of a history that may have gone. */
  entered(): void {
    this.#membership.clear();
  }

  #tick(): void {
    const node = this.#node;
    const { clock, settings, lease, view } = node;
    node.emitKilled(node.connections.expire(node.wallNowMs()), 'ended');
    node.sweep();
    const nowMs = clock.monotonicMs();
    if (node.freshnessNow() === 'fresh') {
      view.forget(nowMs);
      this.#settle(nowMs);
      if (!this.#busy) {
        this.#busy = true;
        void this.#slow(nowMs).finally(() => {
          this.#busy = false;
        });
      }
    }
    if (!this.#running) return;
    // The end of the lease, and of the tolerance, is met on time and not at the next regular look.
    const nextMs = lease.nextChangeMs(clock.monotonicMs(), view.hasGap);
    const delayMs = nextMs > 0 ? Math.min(settings.heartbeatMs, nextMs + 1) : settings.heartbeatMs;
    this.#timer = clock.after(Math.max(1, delayMs), () => this.#tick());
  }

  /** FIRST TERM: whoever has waited it out says so in the record, and then nobody waits any more. */
  #settle(nowMs: number): void {
    const node = this.#node;
    if (node.settled || this.#settling) return;
    const endsMs = node.generationSeenMs + MAX_TERM_MS + driftMarginMs(MAX_TERM_MS);
    if (nowMs < endsMs || node.lease.coveredAtMs < endsMs) return;
    this.#settling = true;
    const { generation } = node.view;
    node.settings.log
      .settle(generation)
      .then(() => {
        if (node.view.generation === generation) node.settled = true;
      })
      .catch((error: unknown) => node.failed('FIRST TERM', error))
      .finally(() => {
        this.#settling = false;
      });
  }

  /** What needs the record. Never rejects. */
  async #slow(nowMs: number): Promise<void> {
    try {
      if (!this.#node.settings.exclusive && nowMs >= this.#membersDueMs) {
        this.#membersDueMs = nowMs + MEMBERS_EVERY_MS;
        await this.#removeSilent();
      }
      await this.#reconciling.run();
    } catch (error) {
      this.#node.failed('housekeeping', error);
    }
  }

  async #removeSilent(): Promise<void> {
    const node = this.#node;
    const { clock, settings, view } = node;
    const { generation } = view;
    const members = await settings.members.list();
    if (view.generation !== generation) return;
    this.#membership.observe(
      members.filter((member) => member.id !== node.memberId),
      clock.monotonicMs(),
    );
    for (const { id, beat } of this.#membership.silent(clock.monotonicMs())) {
      if (view.generation !== generation) return;
      if (await settings.members.remove(id, beat))
        node.emit({ kind: 'member_removed', memberId: id });
    }
  }
}
