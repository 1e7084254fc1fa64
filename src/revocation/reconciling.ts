import { DIGEST_SPAN, RECONCILE_EVERY_MS, RECONCILE_WHOLE_EVERY_MS } from './constants.ts';
import { digestOf } from './digest.ts';
import type { Generations } from './generations.ts';
import type { Node } from './node.ts';
import { type Page, readPages } from './snapshots.ts';

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

  /** Compares the whole view with the record, page by page, and mends it. */
  async whole(): Promise<void> {
    const { settings, view } = this.#node;
    const header = await settings.log.snapshot();
    if (!header.identityAgrees || header.head.generation !== view.generation) return;
    let difference: Span | null = null;
    // A history or a horizon that moves meanwhile ends it without a word: the next comparison is of that one.
    await readPages(
      settings.log,
      header,
      (page) => {
        if (view.generation !== header.head.generation) return false;
        difference = this.#differenceFrom(page);
        return difference === null;
      },
      DIGEST_SPAN,
    );
    if (difference === null) return;
    this.#node.emit({ kind: 'view_differed', ...(difference as Span) });
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

  /** Where the record's page and the view differ, as far as the view holds it; null when they agree. */
  #differenceFrom(page: Page): Span | null {
    const { view } = this.#node;
    const from = Math.max(page.from, view.horizon + 1);
    const to = Math.min(page.to, view.applied);
    if (from > to) return null;
    const same = page.entries.filter((entry) => entry.position >= from && entry.position <= to);
    return digestOf(same) === view.digest(from, to) ? null : { from, to };
  }
}
