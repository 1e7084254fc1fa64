import type { Head } from '../revocation/types.ts';

/** What every read of the protocol returns beside its result: results of a foreign history are dropped. */
export interface HistoryCheck {
  readonly head: Head;
  /** Whether the server's identity is the one in the head row; if not, begin a generation and ask again. */
  readonly identityAgrees: boolean;
}

/** What a session's row keeps of its refresh chain when a token is issued. */
export interface RefreshSlots {
  /** Hash of the token that is being issued. */
  readonly currentHash: Uint8Array;
  /** Hash of its successor, HMAC-SHA-256(key, token), derived with `successorKeyId`. */
  readonly successorHash: Uint8Array;
  readonly successorKeyId: string;
}

/** Keyset page: rows after `cursor` in the verb's own order. */
export interface Page {
  /** 1 to 200. */
  readonly limit: number;
  /** Sort key of the last row seen: its time and its id (or position as a string). */
  readonly cursor: { readonly atMs: number; readonly id: string } | null;
}

export interface AuditFilter {
  readonly actor?: string;
  readonly action?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
}

export interface StoredKey {
  readonly kid: string;
  readonly purpose: 'access';
  readonly alg: 'ES256' | 'EdDSA' | 'RS256';
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** PKCS #8, encrypted with a key derived from SEKISHO_SECRET. */
  readonly privateSealed: Uint8Array;
  /** Not used for signing before; published from creation on. */
  readonly activeFromMs: number;
  /** Not used for signing after; published until its last token has expired. Null: still in use. */
  readonly retiredAtMs: number | null;
}

/** What stands in a record about its schema. */
export interface SchemaState {
  /** Checksums by version of the migration. */
  readonly migrations: Readonly<Record<string, string>>;
  /** Checksums by name. */
  readonly functions: Readonly<Record<string, string>>;
  /** Every release that has brought the record up to itself, with the oldest that may run beside it. */
  readonly releases: Readonly<Record<string, string>>;
}

/** A node whose heart beat within the last minute. */
export interface LiveMember {
  readonly id: string;
  readonly address: string | null;
  /** Version of its package; null where it is a release that does not say. */
  readonly release: string | null;
}

/** What another release has to know of a record before it brings it up to itself. */
export interface RecordSchema {
  readonly state: SchemaState;
  readonly members: readonly LiveMember[];
}
