import { DIGEST_SPAN, RECONCILE_EVERY_MS, RECONCILE_WHOLE_EVERY_MS } from './constants.ts';
import { digestOf } from './digest.ts';
import type { Generations } from './generations.ts';
import type { Node } from './node.ts';
import type { Snapshot } from './types.ts';

interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * RECONCILE: once a minute the digest over what was applied since the last comparison, once an hour the whole log. A
 * difference is a defect of this software or of the record's history: counted, reported, mended from the record.
 */
export class Reconciling {
  readonly #node: Node;
  readonly #generations: Generations;
  #dueMs: number;
  #wholeDueMs: number;
  /** Compared up to here, in the generation named; what a snapshot brought needs no comparison with itself. */
  #through = 0;
  #generation = '';

  constructor(node: Node, generations: Generations) {
    this.#node = node;
    this.#generations = generations;
    const nowMs = node.clock.monotonicMs();
    this.#dueMs = nowMs + RECONCILE_EVERY_MS;
    this.#wholeDueMs = nowMs + RECONCILE_WHOLE_EVERY_MS;
  }

  /** The view is of another generation, or was replaced. */
  entered(): void {
    this.#through = this.#node.view.applied;
    this.#generation = this.#node.view.generation;
  }

  /** Compares if it is time to. @throws what the record throws. */
  async run(): Promise<void> {
    const nowMs = this.#node.clock.monotonicMs();
    if (nowMs >= this.#wholeDueMs) {
      this.#wholeDueMs = nowMs + RECONCILE_WHOLE_EVERY_MS;
      this.#dueMs = nowMs + RECONCILE_EVERY_MS;
      await this.whole();
    } else if (nowMs >= this.#dueMs) {
      this.#dueMs = nowMs + RECONCILE_EVERY_MS;
      await this.#recent();
    }
  }

  /** Compares the whole view with the record, and mends it. */
  async whole(): Promise<void> {
    const snapshot = await this.#node.settings.log.snapshot();
    if (!snapshot.identityAgrees || snapshot.head.generation !== this.#node.view.generation) return;
    const difference = await this.#differenceFrom(snapshot);
    if (difference === null) return;
    this.#node.emit({ kind: 'view_differed', from: difference.from, to: difference.to });
    await this.#generations.mend();
  }

  async #recent(): Promise<void> {
    const { view, settings } = this.#node;
    const until = view.applied;
    while (this.#generation === view.generation && this.#through < until) {
      const generation = this.#generation;
      const from = Math.max(this.#through, view.horizon) + 1;
      const to = Math.min(from + DIGEST_SPAN - 1, until);
      if (from > to) return;
      const own = view.digest(from, to);
      const record = await settings.log.digest(from, to);
      if (
        !record.identityAgrees ||
        record.head.generation !== generation ||
        view.generation !== generation
      )
        return;
      if (record.digest !== own) {
        // The record may just have let go of some of them; the whole log tells.
        await this.whole();
        return;
      }
      this.#through = to;
    }
  }

  /**
   * The first stretch that both hold and in which they differ; null when they agree. Span by span, so that comparing a
   * million entries never holds the event loop, and with it the lease, for long.
   */
  async #differenceFrom(snapshot: Snapshot): Promise<Span | null> {
    const { view } = this.#node;
    const { generation } = view;
    let through = snapshot.horizon;
    while (view.generation === generation) {
      const from = Math.max(through, view.horizon) + 1;
      const to = Math.min(from + DIGEST_SPAN - 1, view.applied, snapshot.head.position);
      if (from > to) return null;
      const entries = snapshot.entries.slice(from - snapshot.horizon - 1, to - snapshot.horizon);
      if (digestOf(entries) !== view.digest(from, to)) return { from, to };
      through = to;
      await new Promise<void>((resolve) => {
        this.#node.clock.after(0, resolve);
      });
    }
    return null;
  }
}
