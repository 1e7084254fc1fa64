import type { StoredKey } from '../record/contract.ts';
import { MAX_ACCESS_TTL } from '../tenant/policy.ts';
import { type PublicJwk, publicJwkOf, sealedUnder } from './signing-key.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * How long a retired key stays published: until the last token that it can have signed has expired, and two minutes for
 * clocks and for nodes that learned of the retirement late.
 */
export const RETIRED_KEY_MS = MAX_ACCESS_TTL * 1000 + 2 * MINUTE_MS;

/** A signing key is replaced after this time. */
export const ROTATION_PERIOD_MS = 90 * 24 * HOUR_MS;

/** A key is published for this long before it signs, so that every cache of the JWK Set has it by then. */
export const PUBLISH_AHEAD_MS = HOUR_MS;

/** The key that signs at `nowMs`: the one that became active last and is not retired; null when there is none. */
export function signingKeyAt(keys: readonly StoredKey[], nowMs: number): StoredKey | null {
  return newest(keys.filter((key) => key.activeFromMs <= nowMs && !isRetired(key, nowMs)));
}

/**
 * The keys whose tokens are good at `nowMs`, which are the published ones: coming, active, and retired until their last
 * token has expired. Newest first.
 */
export function publishedKeysAt(keys: readonly StoredKey[], nowMs: number): readonly StoredKey[] {
  return keys
    .filter((key) => key.retiredAtMs === null || nowMs < key.retiredAtMs + RETIRED_KEY_MS)
    .sort((a, b) => b.activeFromMs - a.activeFromMs || (a.kid < b.kid ? -1 : 1));
}

/** The JWK Set (RFC 7517 section 5) at `nowMs`; nothing private is ever in it. */
export function jwksAt(
  keys: readonly StoredKey[],
  nowMs: number,
): { readonly keys: readonly PublicJwk[] } {
  return { keys: publishedKeysAt(keys, nowMs).map(publicJwkOf) };
}

export interface RotationOptions {
  /** Id of the ring's newest member. A signing key that is sealed under an older one is replaced, so that one can go. */
  readonly newestKeyId: string;
  /** Default 90 days. */
  readonly periodMs?: number;
  /** Default one hour. */
  readonly publishAheadMs?: number;
}

export interface RotationPlan {
  /** A key to make, and what `KeyStore.add` needs so that only one of several nodes makes it; null for none. */
  readonly add: { readonly activeFromMs: number; readonly unlessActiveSinceMs: number } | null;
  /** Keys that a newer one has replaced: to be retired now. */
  readonly retire: readonly string[];
}

/**
 * What is to be done about signing keys at `nowMs`. Without any, one is made that signs at once; otherwise the next one is
 * made, and so published, `publishAheadMs` before it signs. Carrying it out and planning again ends in "nothing".
 */
export function planRotation(
  keys: readonly StoredKey[],
  nowMs: number,
  options: RotationOptions,
): RotationPlan {
  const { periodMs = ROTATION_PERIOD_MS, publishAheadMs = PUBLISH_AHEAD_MS } = options;
  const signer = signingKeyAt(keys, nowMs);
  const last = newest(keys);
  const retire = keys
    .filter(
      (key) =>
        signer !== null && key.retiredAtMs === null && key.activeFromMs < signer.activeFromMs,
    )
    .map((key) => key.kid);
  const unlessActiveSinceMs = last === null ? 0 : last.activeFromMs + 1;
  if (signer === null) {
    return {
      add: { activeFromMs: Math.max(nowMs, unlessActiveSinceMs), unlessActiveSinceMs },
      retire,
    };
  }
  if (last !== signer) {
    return { add: null, retire };
  }
  const dueMs = signer.activeFromMs + periodMs;
  // Waiting an hour keeps nodes whose rings are in another order, during a deployment, from replacing each other's keys.
  const resealed =
    sealedUnder(signer.privateSealed) !== options.newestKeyId &&
    signer.activeFromMs + HOUR_MS <= nowMs;
  if (!resealed && nowMs < dueMs - publishAheadMs) {
    return { add: null, retire };
  }
  const earliestMs = nowMs + publishAheadMs;
  return {
    add: { activeFromMs: resealed ? earliestMs : Math.max(dueMs, earliestMs), unlessActiveSinceMs },
    retire,
  };
}

function isRetired(key: StoredKey, nowMs: number): boolean {
  return key.retiredAtMs !== null && key.retiredAtMs <= nowMs;
}

/** Equal times are told apart by the id, so that all nodes choose alike. */
function newest(keys: readonly StoredKey[]): StoredKey | null {
  let found: StoredKey | null = null;
  for (const key of keys) {
    const later = found === null || key.activeFromMs > found.activeFromMs;
    if (
      later ||
      (found !== null && key.activeFromMs === found.activeFromMs && key.kid < found.kid)
    ) {
      found = key;
    }
  }
  return found;
}
