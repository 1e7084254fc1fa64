import { SekishoError } from '../errors.ts';
import { isKnownScope } from './entry-log.ts';
import { Held } from './held.ts';
import type { Entry, SnapshotHeader } from './types.ts';

/**
 * A snapshot on its way into a view: page after page, aside from what the node judges by, so that nobody is answered from
 * half of one. Pure.
 */
export class Draft {
  readonly header: SnapshotHeader;
  readonly held: Held;
  #unknownScope: string | null = null;

  constructor(header: SnapshotHeader) {
    this.header = header;
    this.held = new Held(header.horizon);
  }

  /** The last position that was added: the next page begins after it. */
  get through(): number {
    return this.held.applied;
  }

  /** UPGRADE: an entry of this scope comes next, which this release does not know: nothing after it can be taken. */
  get unknownScope(): string | null {
    return this.#unknownScope;
  }

  /** Everything up to the head of the snapshot was added, or nothing more can be. */
  get complete(): boolean {
    return this.#unknownScope !== null || this.through >= this.header.head.position;
  }

  /**
   * The entries that come next, which arrived at `nowMs` of the monotonic clock.
   * @throws SekishoError `internal` for a hole: it would hide a missing entry, so better no view than that one.
   */
  add(entries: readonly Entry[], nowMs: number): void {
    for (const entry of entries) {
      if (entry.position !== this.through + 1) throw hole();
      if (!isKnownScope(entry.scope)) {
        this.#unknownScope = entry.scope;
        return;
      }
      this.held.append(entry, nowMs);
    }
  }

  /** After the last page. @throws SekishoError `internal` when the end of the log is missing. */
  check(): void {
    if (!this.complete) throw hole();
  }
}

function hole(): SekishoError {
  return new SekishoError('internal', 'The record returned a revocation log with a hole in it.');
}
