import type { Entry, TokenFacts } from '../../../src/revocation/types.ts';

/** One commit of an entry, as only an observer outside knows it. An entry that is handed in is committed once more. */
export interface Instance {
  readonly entry: Entry;
  /** Counts every commit there ever was, on whatever server: which came first in truth. */
  readonly seq: number;
  readonly atMs: number;
  /** When a failover or a restore lost it; null while it stands. */
  lostAtMs: number | null;
  /** When somebody was first told that it is everywhere. */
  everywhereAtMs: number | null;
}

/**
 * What is true of a session or a token, whatever it says of itself: how many commits there had been when the record read
 * the credentials, and the roles, that it rests on.
 */
export interface Truth {
  readonly facts: TokenFacts;
  readonly credentialsSeq: number;
  readonly rolesSeq: number;
  readonly mintedAtMs: number;
}

interface Reading {
  readonly seq: number;
  readonly atMs: number;
}

interface Hits {
  upTo: number;
  readonly sessions: Instance[];
  readonly tokens: Instance[];
}

/** The omniscient history of one world: every commit, what was lost of it, and what was said of it. */
export class History {
  readonly instances: Instance[] = [];
  /** When the record read this, the facts of a login or a list of roles, and how many commits there had been. */
  readonly #readings = new WeakMap<object, Reading>();
  readonly #byEntry = new WeakMap<Entry, Instance>();
  readonly #hits = new WeakMap<object, Hits>();

  get seq(): number {
    return this.instances.length;
  }

  read(what: object, atMs: number): void {
    this.#readings.set(what, { seq: this.seq, atMs });
  }

  readingOf(what: object): Reading {
    return this.#readings.get(what) ?? { seq: 0, atMs: 0 };
  }

  /** `standing`: on the primary; what another server commits stands for nothing. */
  committed(entry: Entry, atMs: number, standing: boolean): Instance {
    const instance: Instance = {
      entry,
      seq: this.instances.length + 1,
      atMs,
      lostAtMs: standing ? null : atMs,
      everywhereAtMs: null,
    };
    this.instances.push(instance);
    this.#byEntry.set(entry, instance);
    return instance;
  }

  lost(entry: Entry, nowMs: number): void {
    const instance = this.#byEntry.get(entry);
    if (instance !== undefined) instance.lostAtMs ??= nowMs;
  }

  /**
   * Somebody was told `everywhere` of an entry: positions are dense, so it holds for all before it too. One that was lost
   * and handed in counts under its new name only where whoever says so has seen that name.
   * @param log the primary's entries
   */
  everywhere(
    log: readonly Entry[],
    name: { readonly generation: string; readonly position: number; readonly operationId: string },
    nowMs: number,
    sawNewest: boolean,
  ): void {
    const named =
      log.find(
        ({ generation, position }) => generation === name.generation && position === name.position,
      ) ??
      (sawNewest ? log.find(({ operationId }) => operationId === name.operationId) : undefined);
    if (named === undefined) return;
    for (const entry of log) {
      if (entry.position > named.position) break;
      const instance = this.#byEntry.get(entry);
      if (instance !== undefined) instance.everywhereAtMs ??= nowMs;
    }
  }

  /** Every commit, lost or not, that ends this session. */
  endings(truth: Truth): readonly Instance[] {
    return this.#look(truth).sessions;
  }

  /** Every commit, lost or not, after which this token must not be accepted: the above, and reissues. */
  hits(truth: Truth): readonly Instance[] {
    return this.#look(truth).tokens;
  }

  #look(truth: Truth): Hits {
    let hits = this.#hits.get(truth);
    if (hits === undefined) {
      hits = { upTo: 0, sessions: [], tokens: [] };
      this.#hits.set(truth, hits);
    }
    for (; hits.upTo < this.instances.length; hits.upTo += 1) {
      const instance = this.instances[hits.upTo] as Instance;
      if (ends(instance, truth)) {
        hits.sessions.push(instance);
        hits.tokens.push(instance);
      } else if (supersedes(instance, truth)) hits.tokens.push(instance);
    }
    return hits;
  }
}

/** The table of docs/protocol.md section 2 by true order instead of by what tokens say. */
function ends({ entry, seq }: Instance, { facts, credentialsSeq }: Truth): boolean {
  if (entry.scope === 'session') return entry.tid === facts.tid && entry.sid === facts.sid;
  if (entry.scope === 'reissue') return false;
  const covers =
    entry.scope === 'all' ||
    (entry.tid === facts.tid && (entry.scope === 'tenant' || entry.uid === facts.uid));
  return covers && credentialsSeq < seq && facts.sid !== entry.sparedSid;
}

function supersedes({ entry, seq }: Instance, { facts, rolesSeq }: Truth): boolean {
  if (entry.scope !== 'reissue' || rolesSeq >= seq) return false;
  if (entry.tid === null) return true;
  if (entry.tid !== facts.tid) return false;
  if (entry.sid !== null) return entry.sid === facts.sid;
  return entry.uid === null || entry.uid === facts.uid;
}
