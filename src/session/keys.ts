import type { NewAuditEvent } from '../audit/types.ts';
import type { Clock, Timer } from '../clock.ts';
import { SekishoError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import type { KeyStore, StoredKey } from '../record/contract.ts';
import {
  type AccessClaims,
  type AccessFacts,
  createAccessTokenVerifier,
  mintAccessToken,
} from '../token/access-token.ts';
import { jwksAt, planRotation, publishedKeysAt, signingKeyAt } from '../token/key-set.ts';
import type { KeyRing } from '../token/secrets.ts';
import {
  makeSigningKey,
  openSigner,
  type PublicJwk,
  type Signer,
  type SigningAlgorithm,
  type Verifier,
  verifierOf,
} from '../token/signing-key.ts';
import type { Issuer } from './issuer.ts';

/** How often the record is asked for keys that other nodes made. */
const REFRESH_EVERY_MS = 60_000;
/** Between two looks at the record for a key id that nobody here knows, so that forgers cannot make it busy. */
const UNKNOWN_KID_EVERY_MS = 10_000;
/** The last time that a Date tells: no key becomes active then. */
const NEVER_MS = 8_640_000_000_000_000;
/** Generations that are remembered; each is a failover or a restore. */
const MAX_GENERATIONS = 1_000;

/** The signing keys of access tokens: kept in the record, rotated with overlap. */
export interface Keys {
  /** Loads them; makes the first one in a new record. @throws SekishoError `invalid_configuration`, 503. */
  load(): Promise<void>;
  /** @throws SekishoError `invalid_token`. Says nothing of expiry or revocation. */
  verify(token: string): Promise<AccessFacts>;
  sign(claims: Omit<AccessClaims, 'issuer' | 'audience'>): Promise<string>;
  /** Coming, active and not yet expired ones; no private member. */
  jwks(): { readonly keys: readonly PublicJwk[] };
  /** All that the record has, oldest first, as they were when it was last looked at. */
  stored(): readonly StoredKey[];
  /**
   * Makes a key that signs from `activeFromMs` on, and publishes it now; `auditOf` are the audit rows, written with it.
   *
   * @throws SekishoError `conflict` when there is one that becomes active later, unless `beside` that one it is to be.
   */
  make(
    activeFromMs: number,
    auditOf: (key: StoredKey) => readonly NewAuditEvent[],
    more?: { readonly alg?: SigningAlgorithm; readonly beside?: boolean },
  ): Promise<StoredKey>;
  /** The key signs no more from `atMs` on, and is published until its last token has expired; `audit` is written with it. */
  retire(kid: string, atMs: number, audit: readonly NewAuditEvent[]): Promise<void>;
  /** Looks at the record, and does what rotation asks for at this time. */
  refresh(): Promise<void>;
  /**
   * RESTORE: resolves when the keys at hand were read after `generation` began; at once where they were. A restore withdraws
   * keys in the transaction that begins one. @throws SekishoError 503.
   */
  since(generation: string): Promise<void>;
  /** Calls `listener` now and after each look with the ids of the keys whose tokens are good. */
  onKeys(listener: (kids: ReadonlySet<string>) => void): void;
  close(): void;
}

export interface KeysOptions {
  readonly store: KeyStore;
  readonly ring: KeyRing;
  readonly issuer: Issuer;
  readonly audience: string;
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  /** The one that this node is in; null before it is in any. */
  readonly generation: () => string | null;
  readonly log: Log;
}

/** @example const keys = createKeys({ store, ring, issuer, audience, clock, wallNowMs, generation, log }) */
export function createKeys(options: KeysOptions): Keys {
  const { store, ring, issuer, clock, wallNowMs, log } = options;
  let stored: readonly StoredKey[] = [];
  let verifiers: ReadonlyMap<string, Verifier> = new Map();
  const signers = new Map<string, Signer>();
  const listeners: ((kids: ReadonlySet<string>) => void)[] = [];
  /** Generations that had begun when the keys at hand were read. */
  const begun = new Set<string>();
  let lookedForUnknownAtMs = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<void> | null = null;
  let timer: Timer | null = null;
  let closed = false;

  const verifyOnce = createAccessTokenVerifier({
    issuers: issuer.accepted,
    audience: options.audience,
    keyOf: (kid) => verifiers.get(kid) ?? null,
  });

  async function read(): Promise<void> {
    const generation = options.generation();
    [stored] = await Promise.all([store.list(), issuer.refresh()]);
    const before = verifiers;
    const published = publishedKeysAt(stored, wallNowMs());
    verifiers = new Map(published.map((key) => [key.kid, before.get(key.kid) ?? verifierOf(key)]));
    for (const listener of listeners) listener(new Set(verifiers.keys()));
    if (generation !== null) remember(generation);
  }

  function remember(generation: string): void {
    if (begun.size >= MAX_GENERATIONS) begun.clear();
    begun.add(generation);
  }

  async function since(generation: string): Promise<void> {
    if (begun.has(generation)) return;
    // A look that was under way when this node heard of the generation may have come before it.
    await refreshing?.catch(() => {});
    if (begun.has(generation)) return;
    await refresh();
    remember(generation);
  }

  /** Carries out what the plan says; safe when several nodes do it at once, since the record takes one key only. */
  async function rotate(): Promise<void> {
    const plan = planRotation(stored, wallNowMs(), { newestKeyId: ring.newest.keyId });
    for (const kid of plan.retire) await store.retire(kid, wallNowMs());
    if (plan.add !== null) {
      const key = await makeSigningKey(ring, plan.add.activeFromMs);
      const added = await store.add(key, plan.add.unlessActiveSinceMs);
      if (added) log.info({ kid: key.kid }, 'a signing key was made');
    }
    if (plan.add !== null || plan.retire.length > 0) await read();
  }

  function refresh(): Promise<void> {
    refreshing ??= read()
      .then(rotate)
      .finally(() => {
        refreshing = null;
      });
    return refreshing;
  }

  function arm(): void {
    if (closed) return;
    timer = clock.after(REFRESH_EVERY_MS, () => {
      void refresh()
        .catch((error: unknown) => {
          log.warn({ err: error }, 'signing keys could not be looked up; those at hand are kept');
        })
        .then(arm);
    });
  }

  /** Whoever has a withdrawn key can name the generation that withdrew it; keys of before it say nothing of its tokens. */
  async function verifySince(token: string): Promise<AccessFacts> {
    const facts = await verifyOnce(token);
    if (begun.has(facts.generation)) return facts;
    await since(facts.generation);
    return verifyOnce(token);
  }

  /** Whether `token` names a key and an issuer that are known here. */
  function knows(token: string): boolean {
    const kid = memberOf(token, 0, 'kid');
    const iss = memberOf(token, 1, 'iss');
    return kid !== null && verifiers.has(kid) && iss !== null && issuer.accepted().has(iss);
  }

  /** Whether a look at the record has brought the key or the issuer that `token` names. */
  async function learned(token: string): Promise<boolean> {
    if (knows(token)) return false;
    if (clock.monotonicMs() < lookedForUnknownAtMs + UNKNOWN_KID_EVERY_MS) return false;
    lookedForUnknownAtMs = clock.monotonicMs();
    await refresh();
    return knows(token);
  }

  function signerAt(nowMs: number): Signer {
    const key = signingKeyAt(stored, nowMs);
    if (key === null) throw new SekishoError('internal', 'There is no key to sign with.');
    const signer = signers.get(key.kid) ?? openSigner(ring, key);
    signers.set(key.kid, signer);
    return signer;
  }

  return {
    async load() {
      await refresh();
      // Opened now, so that a wrong SEKISHO_SECRET stops the start and not the first login.
      signerAt(wallNowMs());
      arm();
    },
    async verify(token) {
      try {
        return await verifySince(token);
      } catch (error) {
        if (!(await learned(token))) throw error;
        return verifySince(token);
      }
    },
    async sign(claims) {
      const { audience } = options;
      await since(claims.generation);
      return mintAccessToken(signerAt(wallNowMs()), {
        ...{ ...claims, issuer: issuer.current(), audience },
      });
    },
    jwks: () => jwksAt(stored, wallNowMs()),
    stored: () => stored,
    async make(activeFromMs, auditOf, { alg, beside = false } = {}) {
      const key = await makeSigningKey(ring, activeFromMs, alg);
      const unlessSinceMs = beside ? NEVER_MS : activeFromMs;
      if (!(await store.add(key, unlessSinceMs, auditOf(key)))) {
        throw new SekishoError('conflict', 'Another key becomes active later than that.');
      }
      await refresh();
      return key;
    },
    async retire(kid, atMs, audit) {
      await store.retire(kid, atMs, audit);
      await refresh();
    },
    refresh,
    since,
    onKeys(listener) {
      listeners.push(listener);
      listener(new Set(verifiers.keys()));
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

/** A string in the header (0) or the claims (1) of a token that nobody has verified. */
function memberOf(token: string, part: number, name: string): string | null {
  try {
    const value: unknown = JSON.parse(
      Buffer.from(token.split('.', 3)[part] ?? '', 'base64url').toString('utf8'),
    )[name];
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
