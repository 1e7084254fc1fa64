/**
 * The words of the revocation protocol as types (docs/protocol.md sections 1 and 2). All of it is plain data.
 *
 * A position is a number in the revocation log: 1, 2, 3 … without gaps; 0 is "before the first entry". An entry's name is
 * its generation *and* its position, because a failover can put other entries at positions that were seen before.
 */

/** What an entry speaks of. `reissue` ends tokens, not sessions; its subject is the narrowest id that is set. */
export type Scope = 'all' | 'tenant' | 'user' | 'session' | 'reissue';

/** What is to be revoked. Ids that the scope does not need are null. */
export interface Subject {
  readonly scope: Scope;
  readonly tid: string | null;
  readonly uid: string | null;
  readonly sid: string | null;
  /** For `all`, `tenant` and `user`: the one session that the floor does not end. */
  readonly sparedSid: string | null;
}

/** One line of the revocation log, as nodes know it. `scope` is a string: a newer release may know more scopes. */
export interface Entry extends Omit<Subject, 'scope'> {
  readonly generation: string;
  readonly position: number;
  readonly operationId: string;
  readonly scope: Scope | (string & {});
}

/** A generation of the log and where it came from. `parentEnd` is the last position of the parent that counts. */
export interface Generation {
  readonly id: string;
  readonly parent: string | null;
  readonly parentEnd: number;
  readonly settled: boolean;
}

/** Newest first: the generation itself, its parent, and so on as far as the record keeps them. */
export type Lineage = readonly Generation[];

/** Generation and last position of the log at some moment. */
export interface Head {
  readonly generation: string;
  readonly position: number;
}

/** What a snapshot is of: the whole log that the record keeps, dense from `horizon + 1` on. Its entries come in pages. */
export interface SnapshotHeader {
  readonly head: Head;
  /** The last position that the record no longer keeps; 0 when it keeps everything. */
  readonly horizon: number;
  readonly lineage: Lineage;
}

/** What a token or a socket says of itself; the view judges it by nothing else. */
export interface TokenFacts {
  readonly tid: string;
  readonly uid: string;
  readonly sid: string;
  /** Generation when the token was minted. */
  readonly generation: string;
  /** The session's epoch: head of the log when its credentials were read. */
  readonly epoch: number;
  /** Head of the log when the token's roles were read; `epoch ≤ tokenEpoch`. */
  readonly tokenEpoch: number;
}

/**
 * `superseded`: this view cannot vouch for the token, the record decides at refresh.
 * `unknown_generation`: either the token is of a lost history or this node is behind; ask again after a newer proof.
 */
export type Verdict = 'pass' | 'revoked' | 'superseded' | 'unknown_generation';

/** `stale`: answered within the tolerance, without a proof inside the lease. */
export type Freshness = 'fresh' | 'stale';
