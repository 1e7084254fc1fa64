import { historyKeepsChanging } from './changing-history.ts';
import { HISTORY_REPEATS } from './constants.ts';
import type { Draft } from './draft.ts';
import { HandingIn } from './handing-in.ts';
import type { Node } from './node.ts';
import { readSnapshot } from './snapshots.ts';
import type { Head, Lineage } from './types.ts';

/**
 * GENERATION and LINEAGE: begins a new generation where the record's history has changed under its name, and brings the
 * view into the newest one. One such walk goes on at a time.
 */
export class Generations {
  readonly #node: Node;
  readonly #handingIn: HandingIn;
  #walk: Promise<void> | null = null;

  constructor(node: Node) {
    this.#node = node;
    this.#handingIn = new HandingIn(node);
  }

  /**
   * GENERATION: a result of the record named `head`, whose identity differs (or whose position an `applied` exceeds, with
   * `force`). Resolves when this node is in the newest generation.
   * @throws SekishoError `store_unavailable`, `outcome_unknown`.
   */
  async begin(head: Head, force: boolean): Promise<void> {
    await this.beginOnly(head, force);
    await this.meet();
  }

  /** The same without bringing the view along: for a node that has none yet. */
  async beginOnly(head: Head, force: boolean): Promise<Head> {
    const { settings } = this.#node;
    const id = settings.newId();
    const begun = await settings.log.beginGeneration(head.generation, id, force);
    if (begun.generation === id) {
      this.#node.emit({ kind: 'generation_begun', generation: id, parent: head.generation });
    }
    return begun;
  }

  /** LINEAGE: fetches it and goes on in its newest generation. Nothing to do for a node that has no view yet. */
  meet(): Promise<void> {
    if (this.#node.view.generation === '') return Promise.resolve();
    return this.#alone(() => this.#meet());
  }

  /** The same as a hint: not while a walk is under way. What fails is tried again with the next heartbeat. */
  nudge(begin: { readonly head: Head; readonly force: boolean } | null): void {
    if (this.#walk !== null) return;
    const walk = begin === null ? this.meet() : this.begin(begin.head, begin.force);
    walk.catch((error: unknown) =>
      this.#node.failed(begin === null ? 'LINEAGE' : 'GENERATION', error),
    );
  }

  /** JOIN: the first snapshot, or, for a node that was removed and kept its view, LINEAGE. */
  enter(): Promise<void> {
    return this.#alone(() =>
      this.#node.view.generation === '' ? this.#replaceView() : this.#meet(),
    );
  }

  /** RECONCILE: takes a snapshot in place of a view that was found wrong. */
  mend(): Promise<void> {
    return this.#alone(() => {
      this.#stopAnswering();
      return this.#replaceView();
    });
  }

  /** One walk at a time. Whoever comes during one shares the next: that one reads what is so after they came. */
  async #alone(walk: () => Promise<void>): Promise<void> {
    if (this.#walk !== null) await this.#walk.catch(() => {});
    this.#walk ??= walk().finally(() => {
      this.#walk = null;
    });
    await this.#walk;
  }

  async #meet(): Promise<void> {
    const node = this.#node;
    for (let repeat = 0; repeat < HISTORY_REPEATS; repeat += 1) {
      const answer = await node.settings.log.lineage();
      if (!answer.identityAgrees) {
        await this.beginOnly(answer.head, false);
        continue;
      }
      const before = node.view.generation;
      if (!node.rebuilding && node.view.continueIn(answer.lineage)) {
        if (node.view.generation === before) node.settled ||= answer.lineage[0]?.settled ?? false;
        else {
          node.emitKilled(
            node.connections.rejudge((connection) => node.view.judgeRegistered(connection.facts)),
            'superseded',
          );
          node.entered(answer.lineage);
        }
        node.learn(answer.head);
        return;
      }
      this.#stopAnswering();
      await this.#replaceView();
      return;
    }
    throw historyKeepsChanging();
  }

  /**
   * Takes a snapshot in place of the view. HAND IN comes first: what the view holds and the record has lost is revoked anew,
   * and the snapshot must be of the generation in which all of it was; otherwise LINEAGE again. Whatever fails leaves the
   * view as it is, unfit to answer, and is tried again with the next heartbeat.
   */
  async #replaceView(): Promise<void> {
    const node = this.#node;
    for (let repeat = 0; repeat < HISTORY_REPEATS; repeat += 1) {
      // A first view has nothing to hand in.
      const lineage = node.view.size === 0 ? [] : await this.#lineage();
      const { end } = node.view;
      const handedIn = await this.#handingIn.handIn(lineage);
      if (handedIn.kind === 'changed') {
        await this.beginOnly(handedIn.head, false);
        continue;
      }
      const draft = await this.#snapshot();
      const snapshot = draft.header;
      const { generation, position } = node.view.end;
      // Neither may the view have got more entries meanwhile: they would be lost, too.
      const same = generation === end.generation && position === end.position;
      if (!same || (lineage[0] !== undefined && lineage[0].id !== snapshot.head.generation))
        continue;
      node.view.replace(draft);
      if (draft.unknownScope !== null) node.reportUnknownScope();
      // A proof that came meanwhile covered the view that is gone.
      node.lease.clear();
      node.rebuilding = false;
      this.#handingIn.done(handedIn.entries);
      node.entered(snapshot.lineage);
      node.learn(snapshot.head);
      return;
    }
    throw historyKeepsChanging();
  }

  async #lineage(): Promise<Lineage> {
    for (let repeat = 0; repeat < HISTORY_REPEATS; repeat += 1) {
      const answer = await this.#node.settings.log.lineage();
      if (answer.identityAgrees) return answer.lineage;
      await this.beginOnly(answer.head, false);
    }
    throw historyKeepsChanging();
  }

  async #snapshot(): Promise<Draft> {
    const { settings, clock } = this.#node;
    for (let repeat = 0; repeat < HISTORY_REPEATS; repeat += 1) {
      const read = await readSnapshot(settings.log, clock);
      if (read.kind === 'read') return read.draft;
      await this.beginOnly(read.head, false);
    }
    throw historyKeepsChanging();
  }

  /** The view vouches for nobody any more: no lease, no connection, until a proof that covers the new one. */
  #stopAnswering(): void {
    const node = this.#node;
    node.rebuilding = true;
    node.lease.clear();
    node.killAll('unavailable');
  }
}
