import type { NewAuditEvent } from '../audit/types.ts';
import type { AuditFilter, StoredKey } from './shapes.ts';

/** A row of the trail as its seal covers it; docs/audit.md has the bytes. `atUs`: microseconds since 1970. */
export interface TrailRow {
  readonly tid: string;
  readonly id: string;
  readonly atUs: number;
  readonly action: string;
  readonly outcome: string;
  readonly actorKind: string;
  readonly actorUid: string | null;
  readonly actorSid: string | null;
  readonly subjectKind: string | null;
  readonly subjectId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A place in the chain of a tenant: its number, from 1 on, and the hash there (32 bytes). */
export interface ChainPlace {
  readonly seq: number;
  readonly hash: Uint8Array;
}

/** What is kept of a row in its chain. `personal` and `salt`: null for a row without personal data; `salt` too when erased. */
export interface Seal extends ChainPlace {
  readonly id: string;
  readonly personal: Uint8Array | null;
  readonly salt: Uint8Array | null;
}

/** A seal, and what the trail holds of its row now: null when it is gone. */
export interface SealedRow extends Seal {
  readonly row: TrailRow | null;
  /** By the record's clock. No hash covers it. */
  readonly sealedAtMs: number;
  /** It was recorded before trails were sealed. */
  readonly old: boolean;
}

export interface TakenChain extends ChainPlace {
  readonly tid: string;
  /** Up to where a checkpoint was signed; 0: none was. */
  readonly signedSeq: number;
  /** Whether what it does not cover has waited for long enough. */
  readonly due: boolean;
}

/** What there is to be sealed. `waiting`: rows, counted up to 10,000; `oldestMs`: when the oldest of them was recorded. */
export type Taken = { readonly waiting: number; readonly oldestMs: number | null } & (
  | {
      readonly kind: 'taken';
      readonly rows: readonly TrailRow[];
      /** Of the rows' tenants (those that have one), and others that wait for a signature. */
      readonly chains: readonly TakenChain[];
      /** Rows of before trails were sealed are still looked for, so that there may be more than these. */
      readonly more: boolean;
    }
  /** Another node seals. */
  | { readonly kind: 'held'; readonly holder: string | null }
);

/** Where a chain stood and where it stands when `seals` are appended; `token`: a checkpoint signed at that place. */
export interface ChainMove {
  readonly tid: string;
  readonly was: ChainPlace;
  readonly seals: readonly Seal[];
  readonly token: string | null;
}

export interface TrailState {
  readonly tid: string;
  /** Whether the record has anything of this trail at all, and whether it has its chain. */
  readonly known: boolean;
  readonly chained: boolean;
  /** Where it stands; null: nothing was sealed yet. */
  readonly head: ChainPlace | null;
  /** The newest checkpoint, and the number that it is said to cover; null and 0: none was signed. */
  readonly signedToken: string | null;
  readonly signedSeq: number;
  /** Since when a signature is due, for what was sealed and not signed; null: nothing is. */
  readonly unsignedSinceMs: number | null;
  /** Whether some node has the turn to seal now. */
  readonly sealing: boolean;
  /** The record's clock at this moment. */
  readonly nowMs: number;
  /** Since when trails are sealed; null: nobody says so any more. */
  readonly begunAtMs: number | null;
  /** Where verification begins, and what was signed of pruning up to there; null: at the beginning. */
  readonly base: (ChainPlace & { readonly token: string | null }) | null;
  /** What was signed of going on with the chain after it was found to be another one; null: nothing. */
  readonly acceptedToken: string | null;
  /** The lowest and the highest number that there is a seal of. */
  readonly firstSeal: number | null;
  readonly lastSeal: number | null;
  /** Rows that are not sealed yet, counted up to 10,000. */
  readonly waiting: number;
  /** Ids that wait to be sealed and whose rows are gone; a hundred at most. */
  readonly lost: readonly string[];
}

/** What the chain of a tenant has at a place that somebody remembers. */
export interface PlaceFound {
  readonly tid: string;
  readonly seq: number;
  /** What an operator's key has signed of going on with the chain as it stands; null: nothing. */
  readonly acceptedToken: string | null;
  /** Null: there is no seal of that number, and verification does not begin there. */
  readonly hash: Uint8Array | null;
  /** Where the chain stands; null: there is none. */
  readonly head: ChainPlace | null;
  readonly base: TrailState['base'];
}

export interface Checkpoint {
  readonly seq: number;
  readonly token: string;
  /** When the record says that it was signed, milliseconds; NaN: never, or no time. */
  readonly signedAtMs: number;
}

/** Days that rows and their personal data are kept; null: for ever. */
export interface Retention {
  readonly auditDays: number | null;
  readonly personalDays: number | null;
}

/**
 * A row of the trail, and its seal when it has one. `previous`: the hash of the seal before it, also where that was pruned; null
 * for the first of all.
 */
export interface ExportedRow {
  readonly row: TrailRow;
  readonly seal: (Seal & { readonly previous: Uint8Array | null }) | null;
}

/** The keyset cursor of an export: rows after this one, oldest first. */
export interface ExportPage {
  readonly limit: number;
  readonly cursor: { readonly atUs: number; readonly id: string } | null;
}

export type AuditKey = Omit<StoredKey, 'purpose'>;

/**
 * The sealed trail (docs/audit.md). `tid` '' is the operators' own. Rows are inserted elsewhere; nothing here changes one but
 * `prune` and the verbs that erase.
 */
export interface TrailStore {
  /**
   * What the node `holder` is to seal: at most `limit` rows, and as many chains that nobody signed for `unsignedMs`; nothing of
   * the tenants `except`. `holder` null: whoever's turn it is.
   */
  take(
    holder: string | null,
    claimMs: number,
    limit: number,
    unsignedMs: number,
    except: readonly string[],
  ): Promise<Taken>;
  /** Appends to chains, all or nothing; false, and nothing done, when one has moved or a row was sealed meanwhile. */
  seal(moves: readonly ChainMove[]): Promise<boolean>;
  release(holder: string): Promise<void>;

  /**
   * Tenants that there are, and those of which there is a row, a seal, a chain, a checkpoint or anything that waits, after
   * `afterTid`; '', the operators' own, is the first.
   */
  tenants(afterTid: string | null, limit: number): Promise<readonly string[]>;
  state(tid: string): Promise<TrailState>;
  /** In the order of the chain. */
  sealed(tid: string, afterSeq: number, limit: number): Promise<readonly SealedRow[]>;
  /**
   * Looks through rows by id for those without a seal, and those with one that are said to wait for it. `afterId`: null at first;
   * `last`: where to go on; null at the end.
   */
  unsealed(
    tid: string,
    afterId: string | null,
    limit: number,
  ): Promise<{
    readonly last: string | null;
    readonly looked: number;
    readonly rows: readonly {
      readonly id: string;
      readonly waiting: boolean;
      readonly sealed: boolean;
    }[];
  }>;
  checkpoints(tid: string, afterSeq: number, limit: number): Promise<readonly Checkpoint[]>;
  /** What the chains have at places that somebody remembers; in the order in which they are asked for. */
  places(
    asked: readonly { readonly tid: string; readonly seq: number }[],
  ): Promise<readonly PlaceFound[]>;
  /** Where the chains of these tenants stand; none for one without. */
  heads(tids: readonly string[]): Promise<ReadonlyMap<string, ChainPlace>>;
  /** Ids of rows that can be seen and are not sealed. */
  waitingIds(tid: string, limit: number): Promise<readonly string[]>;
  /**
   * Oldest first; by one look, at `ROWS_A_LOOK` rows at most, so that a filter that fits few of them keeps nobody else waiting.
   * `next`: where to go on, also behind a page with few rows or none; null at the end.
   */
  exportPage(
    tid: string,
    filter: AuditFilter,
    page: ExportPage,
  ): Promise<{ readonly rows: readonly ExportedRow[]; readonly next: ExportPage['cursor'] }>;

  /** Rows recorded before `beforeMs` that are not sealed yet, counted up to 10,000. */
  unsealedBefore(tid: string, beforeMs: number): Promise<number>;
  /**
   * The newest signed checkpoint that covers nothing sealed at `beforeMs` or later, of a number below `below` (null: any). `hourly`:
   * one of those that are kept for every hour, otherwise the newest of all.
   */
  checkpointBefore(
    tid: string,
    beforeMs: number,
    below: number | null,
  ): Promise<(ChainPlace & { readonly token: string; readonly hourly: boolean }) | null>;
  /**
   * Notes that the chain, which stands at `head`, is to be gone on with, as `token` says; false, and nothing
   * done, when the chain stands elsewhere.
   */
  accept(
    tid: string,
    head: ChainPlace,
    token: string,
    audit: readonly NewAuditEvent[],
  ): Promise<boolean>;
  /** Removes at most `batch` rows up to a checkpoint, from which verification begins then; how many, 0 at the end. */
  prune(tid: string, to: ChainPlace, token: string, batch: number): Promise<number>;
  /** Erases the personal data of at most `batch` sealed rows recorded before `beforeMs`; how many. */
  eraseBefore(tid: string, beforeMs: number, batch: number): Promise<number>;
  /**
   * Erases one user's personal data among `limit` rows after `cursor`; `found`: rows of theirs, whatever they hold; `passed`: rows of theirs that keep them, since they are not
   * sealed yet; `next`: null at the end.
   */
  eraseOf(
    tid: string,
    user: { readonly uid: string; readonly email: string | null },
    cursor: { readonly atUs: number; readonly id: string } | null,
    limit: number,
  ): Promise<{
    readonly found: number;
    readonly erased: number;
    readonly passed: number;
    readonly looked: number;
    readonly next: { readonly atUs: number; readonly id: string } | null;
  }>;

  /** `tid` '*': of tenants that have nothing of their own. Null: nothing is set. */
  retention(tid: string): Promise<Retention | null>;
  /** `retention` null: the tenant follows the others again. */
  keepRetention(
    tid: string,
    retention: Retention | null,
    audit: readonly NewAuditEvent[],
  ): Promise<void>;
  /** Tenants for which an end is set, by `tid`. */
  dueRetention(
    afterTid: string | null,
    limit: number,
  ): Promise<readonly ({ readonly tid: string } & Retention)[]>;

  keys(): Promise<readonly AuditKey[]>;
  /** As `KeyStore.add`. */
  addKey(key: AuditKey, unlessActiveSinceMs: number): Promise<boolean>;
  retireKey(kid: string, atMs: number): Promise<void>;
}
