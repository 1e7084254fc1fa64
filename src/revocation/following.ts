import { FETCH_LIMIT } from './constants.ts';
import type { Node } from './node.ts';
import { readSnapshot } from './snapshots.ts';

/**
 * FOLLOW: fetches what is missing from the record, one fetch at a time. A fetch that does not start where the view ends
 * becomes a snapshot, which within a generation is merged. What fails is asked for again by the next heartbeat.
 */
export class Following {
  readonly #node: Node;
  #running = false;
  #again = false;

  constructor(node: Node) {
    this.#node = node;
  }

  /** Something is missing. */
  request(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    void this.#run().finally(() => {
      this.#running = false;
    });
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    try {
      do {
        this.#again = false;
        while (this.#node.phase !== 'left' && (await this.#fetch())) {
          // Page after page, as long as each brings the view on.
        }
      } while (this.#again && this.#node.phase !== 'left');
    } catch (error) {
      this.#node.failed('FOLLOW', error);
    }
  }

  /** One page. @returns whether it brought the view on and more is known to be missing. */
  async #fetch(): Promise<boolean> {
    const node = this.#node;
    const { view } = node;
    const { generation, applied } = view;
    const page = await node.settings.log.fetch(applied, FETCH_LIMIT);
    if (!page.identityAgrees) {
      node.signals.begin(page.head, false);
      return false;
    }
    if (page.head.generation !== view.generation) {
      node.learn(page.head);
      return false;
    }
    const first = page.entries[0];
    if (applied < page.horizon || (first !== undefined && first.position !== applied + 1)) {
      await this.#snapshot();
    } else {
      node.take(page.entries, 'record');
    }
    // What is still missing below this head is known; it must not set off another fetch from within this one.
    view.learn(page.head);
    node.headSeen = Math.max(node.headSeen, page.head.position);
    return (
      view.generation === generation && view.applied > applied && view.applied < page.head.position
    );
  }

  async #snapshot(): Promise<void> {
    const node = this.#node;
    const read = await readSnapshot(node.settings.log, node.clock);
    if (read.kind === 'changed') {
      node.signals.begin(read.head, false);
      return;
    }
    const { draft } = read;
    let applied = 0;
    let killed = 0;
    const outcome = node.view.merge(draft, node.clock.monotonicMs(), (entry) => {
      applied += 1;
      killed += node.strike(entry);
    });
    if (outcome === 'foreign_generation') {
      node.learn(draft.header.head);
      return;
    }
    if (outcome === 'jumped') {
      // Entries were missed that nobody can look at any more, so no connection can be vouched for.
      node.killAll('unavailable');
      applied = node.view.size;
      if (draft.unknownScope !== null) node.reportUnknownScope();
    }
    node.tookEntries(applied, killed, 'snapshot');
    if (outcome === 'jumped' && applied === 0) node.advanced();
  }
}
