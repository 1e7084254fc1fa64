import type { AccessFacts } from './access-token.ts';

/** A token whose signature was verified on this node. `facts` may carry more than the token says. */
export interface VerifiedToken<Facts extends AccessFacts = AccessFacts> {
  readonly token: string;
  readonly facts: Facts;
  /**
   * The view's version at which the token last passed; the caller sets it (ANSWER: a shortcut past the view is good for
   * one version of it). −1 before that.
   */
  passedVersion: number;
}

export interface VerifiedCacheOptions {
  /** Most tokens at a time. Default `DEFAULT_MAX_TOKENS`. */
  readonly maxTokens?: number;
  /** Most characters of tokens at a time, which bounds the memory. Default 1,600 for each of `maxTokens`. */
  readonly maxCharacters?: number;
}

/** What the cache has done, for metrics. */
export interface VerifiedCacheStatus {
  readonly size: number;
  readonly maxTokens: number;
  /** Tokens that were put in: each is a signature that was verified. */
  readonly added: number;
  /** Tokens that had to go before their end, for lack of room; should they come back, they are verified anew. */
  readonly displaced: number;
}

/** Tokens whose signature is known to be good. It never holds a refused one, and judges neither time nor revocation. */
export interface VerifiedCache<Facts extends AccessFacts = AccessFacts> {
  /** The entry of exactly this token, expired or not; undefined when it is not there. */
  get(token: string): VerifiedToken<Facts> | undefined;
  /** Puts a verified token in. Undefined when its key is not among the accepted ones any more. */
  put(token: string, facts: Facts, nowMs: number): VerifiedToken<Facts> | undefined;
  /** From now on only tokens of these keys: all others are dropped, and not taken in when their verification ends late. */
  acceptKeys(kids: ReadonlySet<string>): void;
  status(): VerifiedCacheStatus;
  readonly size: number;
  readonly characters: number;
}

/** About 30 MB when they are all there. */
export const DEFAULT_MAX_TOKENS = 20_000;
/** A token of the largest session; most have a third of it. */
const CHARACTERS_A_TOKEN = 1_600;

/**
 * A token may stand in one of this many neighbouring slots; their fingerprints are one cache line. With eight, two of 10,000
 * tokens found no place, and were verified again and again.
 */
const WINDOW = 16;
const NONE = -1;

/**
 * Makes the cache. A table of open addressing: the place of a token follows from five characters of its signature, the
 * neighbouring slots are searched by a fingerprint, and then the whole string is compared. Hashing the whole token, as a
 * `Map` must, takes about five times as long (measured with 10,000 tokens: 1.5 against 0.3 µs).
 *
 * A list through the slots in order of insertion finds the oldest: expired entries leave from there, and live ones when a
 * bound is reached.
 */
export function createVerifiedCache<Facts extends AccessFacts = AccessFacts>(
  options: VerifiedCacheOptions = {},
): VerifiedCache<Facts> {
  const { maxTokens = DEFAULT_MAX_TOKENS, maxCharacters = maxTokens * CHARACTERS_A_TOKEN } =
    options;
  const slots = 2 ** Math.ceil(Math.log2(Math.max(WINDOW, maxTokens * 2)));
  const mask = slots - 1;
  // 0 is an empty slot.
  const fingerprints = new Int32Array(slots);
  const entries = new Array<VerifiedToken<Facts> | undefined>(slots).fill(undefined);
  const older = new Int32Array(slots);
  const newer = new Int32Array(slots);
  let oldest = NONE;
  let youngest = NONE;
  let size = 0;
  let characters = 0;
  let added = 0;
  let displaced = 0;
  let accepted: ReadonlySet<string> | null = null;

  const find = (token: string, fingerprint: number): number => {
    for (let step = 0; step < WINDOW; step += 1) {
      const slot = (fingerprint + step) & mask;
      if (fingerprints[slot] === fingerprint && entries[slot]?.token === token) {
        return slot;
      }
    }
    return NONE;
  };

  const remove = (slot: number): void => {
    const entry = entries[slot];
    if (entry === undefined) {
      return;
    }
    const before = older[slot] ?? NONE;
    const after = newer[slot] ?? NONE;
    if (before === NONE) {
      oldest = after;
    } else {
      newer[before] = after;
    }
    if (after === NONE) {
      youngest = before;
    } else {
      older[after] = before;
    }
    entries[slot] = undefined;
    fingerprints[slot] = 0;
    size -= 1;
    characters -= entry.token.length;
  };

  const hasExpired = (slot: number, nowMs: number): boolean =>
    (entries[slot]?.facts.expiresAtSeconds ?? 0) * 1000 <= nowMs;

  /** A free slot of the window; when all are taken, that of the token that expires first, which is removed. */
  const makeRoom = (fingerprint: number, nowMs: number): number => {
    let first = fingerprint & mask;
    for (let step = 0; step < WINDOW; step += 1) {
      const slot = (fingerprint + step) & mask;
      const entry = entries[slot];
      if (entry === undefined) {
        return slot;
      }
      if (entry.facts.expiresAtSeconds < (entries[first]?.facts.expiresAtSeconds ?? 0)) {
        first = slot;
      }
    }
    if (!hasExpired(first, nowMs)) displaced += 1;
    remove(first);
    return first;
  };

  return {
    get(token) {
      const slot = find(token, fingerprintOf(token));
      return slot === NONE ? undefined : entries[slot];
    },

    put(token, facts, nowMs) {
      if (accepted !== null && !accepted.has(facts.kid)) {
        return undefined;
      }
      const fingerprint = fingerprintOf(token);
      const present = find(token, fingerprint);
      if (present !== NONE) {
        return entries[present];
      }
      while (oldest !== NONE) {
        const expired = hasExpired(oldest, nowMs);
        if (!expired && size < maxTokens && characters + token.length <= maxCharacters) {
          break;
        }
        if (!expired) displaced += 1;
        remove(oldest);
      }
      const slot = makeRoom(fingerprint, nowMs);
      // A copy of its own: a slice would keep the whole header that it was cut from alive.
      const own = Buffer.from(token, 'latin1').toString('latin1');
      const entry: VerifiedToken<Facts> = { token: own, facts, passedVersion: -1 };
      entries[slot] = entry;
      fingerprints[slot] = fingerprint;
      older[slot] = youngest;
      newer[slot] = NONE;
      if (youngest === NONE) {
        oldest = slot;
      } else {
        newer[youngest] = slot;
      }
      youngest = slot;
      size += 1;
      characters += token.length;
      added += 1;
      return entry;
    },

    acceptKeys(kids) {
      accepted = new Set(kids);
      for (let slot = oldest; slot !== NONE; ) {
        const next = newer[slot] ?? NONE;
        if (!kids.has(entries[slot]?.facts.kid ?? '')) remove(slot);
        slot = next;
      }
    },

    status: () => ({ size, maxTokens, added, displaced }),

    get size() {
      return size;
    },

    get characters() {
      return characters;
    },
  };
}

/**
 * A number ≠ 0 from five characters of the signature: 30 random bits, which a client cannot choose for a token that
 * verifies. The last character is left out, since few of its bits are used.
 */
function fingerprintOf(token: string): number {
  const end = token.length - 2;
  let hash = token.charCodeAt(end);
  hash = Math.imul(hash, 67) + token.charCodeAt(end - 1);
  hash = Math.imul(hash, 67) + token.charCodeAt(end - 2);
  hash = Math.imul(hash, 67) + token.charCodeAt(end - 3);
  hash = Math.imul(hash, 67) + token.charCodeAt(end - 4);
  return hash | (1 << 31);
}
