/**
 * Every number of the protocol, each with its reason. What is marked "of the release" is the same in all nodes of one
 * release; UPGRADE says how it may change. Milliseconds, unless the name says otherwise.
 */

/** Version of the protocol that this release speaks; a member's row carries it (UPGRADE). */
export const PROTOCOL_VERSION = 1;

/** Longest life of an access token that any verifier accepts; of the release. FORGET rests on it. */
export const MAX_ACCESS_TTL_MS = 15 * 60_000;

/**
 * Upper bound of lease + tolerance of any member; of the release. FIRST TERM waits for it when the members of a lost
 * history cannot be known.
 */
export const MAX_TERM_MS = 30_000;

/** Lease: revocation stays below a second whatever the hub does, with room for the heartbeat's own way. */
export const DEFAULT_LEASE_MS = 750;

/** Tolerance: a restart or a failover of the record usually takes less. */
export const DEFAULT_TOLERANCE_MS = 10_000;

/** A third of a shorter lease would be no more than a timer's own inaccuracy on a busy machine. */
export const MIN_LEASE_MS = 30;

/** HEARTBEAT: two may be lost before a lease ends. */
export const HEARTBEATS_PER_LEASE = 3;

/**
 * Clock-rate drift that is covered, in parts of the interval: NTP disciplines a clock by at most 500 ppm, and a bad quartz
 * is off by 200. Two clocks are compared, so four times the larger of them.
 */
const DRIFT = 1 / 500;

/** The least margin: the granularity of the clock and of the comparison. */
const LEAST_MARGIN_MS = 5;

/** The margin that covers drift over an interval: taken off where a node answers, added where others wait for it. */
export function driftMarginMs(intervalMs: number): number {
  return LEAST_MARGIN_MS + intervalMs * DRIFT;
}

/**
 * WALL TIME: what the clocks of a node and of the record may differ by. Far more than NTP leaves and far less than the
 * life of a token.
 */
export const MAX_SKEW_MS = 30_000;

/**
 * WALL TIME: heartbeats in a row that must show a step before it is adopted: some seconds, in which one that is but a
 * moment's has gone again, and after which lifetimes are right soon enough.
 */
export const STEP_HEARTBEATS = 8;

/**
 * WALL TIME: how long the first reading may have been under way; it is wrong by up to half of that. Longer than a busy
 * record takes; a process that was stopped meanwhile takes longer.
 */
export const FIRST_READING_MAX_MS = 5_000;

/** WALL TIME: how fast a difference is worked off; below 1, so that time never goes back. */
export const SLEW_RATE = 0.05;

/** FORGET: the node that minted a token and the one that forgets may each be MAX_SKEW off. */
export const FORGET_MARGIN_MS = 2 * MAX_SKEW_MS;

/** FORGET: entries received within this time share one note of their age. */
export const AGE_STEP_MS = 1000;

/** FORGET: entries a time. Dropping them holds the event loop for a few milliseconds; some 20,000 a second are dropped. */
export const FORGET_LIMIT = 5000;

/** FOLLOW: entries a fetch. Applying them holds the event loop for some milliseconds. */
export const FETCH_LIMIT = 1000;

/**
 * FOLLOW: entries a page of a snapshot. Taking one in holds the event loop for some milliseconds, and a million of them
 * take two hundred statements.
 */
export const SNAPSHOT_PAGE = 5000;

/** BATCH: requests a transaction; more would hold the head lock for longer than a heartbeat likes. */
export const COMMIT_BATCH = 256;

/**
 * BARRIER: when the members are looked at again after a commit while they acknowledge by row, doubled up to a share
 * of a heartbeat's interval: an announcement and the heartbeat that it sets off take little more on a local network, and
 * where none arrive, the regular heartbeats come at any time within an interval.
 */
export const BARRIER_SOON_MS = 3;
export const BARRIER_LOOKS_PER_HEARTBEAT = 3;

/** FRESH: how long a caller waits for a proof of its own before it is told that the record is unavailable. */
export const FRESH_WAIT_MS = 2000;

/** MEMBERS: how often a node looks for members that have stopped beating. */
export const MEMBERS_EVERY_MS = 5000;

/** RECONCILE: how often the digest of what was applied is compared, and how often a whole snapshot. */
export const RECONCILE_EVERY_MS = 60_000;
export const RECONCILE_WHOLE_EVERY_MS = 60 * 60_000;

/** RECONCILE: entries a digest, so that hashing them does not hold the event loop. */
export const DIGEST_SPAN = 2000;

/** UNKNOWN OUTCOME: how long a commit whose answer was lost is asked after, and how often. */
export const UNKNOWN_OUTCOME_WAIT_MS = 2000;
export const UNKNOWN_OUTCOME_EVERY_MS = 100;

/** GENERATION, LINEAGE: repeats of a statement that met another history before it counts as failed. */
export const HISTORY_REPEATS = 4;
