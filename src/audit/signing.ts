import { createPublicKey } from 'node:crypto';
import { SekishoError } from '../errors.ts';
import type { AuditKey, TrailStore } from '../record/trail-contract.ts';
import { planRotation, signingKeyAt } from '../token/key-set.ts';
import type { KeyRing } from '../token/secrets.ts';
import {
  makeSigningKey,
  openSigner,
  type PublicJwk,
  publicJwkOf,
  type Signer,
  type Verifier,
} from '../token/signing-key.ts';

/** How long the plan of which key signs is kept to. */
const KEYS_FOR_MS = 60_000;

/** The keys of the audit trail: a purpose of their own (NIST SP 800-57 part 1, section 5.2), ES256, rotated like the others. */
export interface TrailSigning {
  /** The key that signs now; made when there is none. @throws SekishoError `invalid_configuration`, 503. */
  signer(): Promise<Signer>;
  /**
   * What a checkpoint is verified with. Whoever can write to the record could put a public key of their own there, so a key
   * counts only where its private half opens under `SEKISHO_SECRET`.
   */
  verifiers(): Promise<(kid: string) => Verifier | null>;
  /**
   * Makes a key under the newest secret that signs from now on, and retires all others, those that are coming, too: somebody
   * else has them. Other nodes have it within a minute. @throws SekishoError `conflict` when another one was made just then.
   */
  rotate(): Promise<{ readonly kid: string; readonly retired: readonly string[] }>;
  /**
   * For verification elsewhere: the public halves of all keys whose private half opens, made from these. What the record says
   * of them whoever can write to it could have changed, so that nothing that is kept could ever be verified.
   */
  publicKeys(): Promise<readonly PublicJwk[]>;
}

export function createTrailSigning(options: {
  readonly store: Pick<TrailStore, 'keys' | 'addKey' | 'retireKey'>;
  readonly ring: KeyRing;
  readonly wallNowMs: () => number;
}): TrailSigning {
  const { store, ring, wallNowMs } = options;
  let keys: readonly AuditKey[] = [];
  let plannedAtMs = Number.NEGATIVE_INFINITY;
  let planning: Promise<void> | null = null;
  const signers = new Map<string, Signer>();

  async function read(): Promise<void> {
    keys = await store.keys();
  }

  /** Whoever only reads the keys, to verify, makes none: so what counts is when they were planned, not when they were read. */
  async function upToDate(): Promise<void> {
    if (Math.abs(wallNowMs() - plannedAtMs) < KEYS_FOR_MS) return;
    planning ??= plan().finally(() => {
      planning = null;
    });
    await planning;
  }

  /** Safe when several nodes do it at once: the record takes one key only. */
  async function plan(): Promise<void> {
    await read();
    // One that was retired before it signed is not the next one.
    const stored = keys
      .filter(({ retiredAtMs, activeFromMs }) => retiredAtMs === null || retiredAtMs > activeFromMs)
      .map((key) => ({ ...key, purpose: 'access' as const }));
    const due = planRotation(stored, wallNowMs(), { newestKeyId: ring.newest.keyId });
    for (const kid of due.retire) await store.retireKey(kid, wallNowMs());
    if (due.add !== null) {
      const { purpose: _, ...key } = await makeSigningKey(
        ring,
        due.add.activeFromMs,
        'ES256',
        'audit-key-sealing',
      );
      // Nor is it in the way of the next one.
      await store.addKey(key, Math.max(due.add.unlessActiveSinceMs, newestOf(keys) + 1));
    }
    if (due.add !== null || due.retire.length > 0) await read();
    plannedAtMs = wallNowMs();
  }

  function opened(key: AuditKey): Signer {
    const signer = signers.get(key.kid) ?? openSigner(ring, key, 'audit-key-sealing');
    signers.set(key.kid, signer);
    return signer;
  }

  function ours(): readonly Verifier[] {
    return keys.flatMap((key) => {
      try {
        const { privateKey } = opened(key);
        return [{ kid: key.kid, alg: key.alg, publicKey: createPublicKey(privateKey) }];
      } catch {
        // Sealed under a secret that is no longer here, or no key of ours.
        return [];
      }
    });
  }

  return {
    async signer() {
      await upToDate();
      const stored = keys.map((key) => ({ ...key, purpose: 'access' as const }));
      const key = signingKeyAt(stored, wallNowMs());
      if (key === null) throw new SekishoError('internal', 'There is no key for the audit trail.');
      return opened(key);
    },
    async verifiers() {
      await read();
      const good = new Map(ours().map((key) => [key.kid, key]));
      return (kid) => good.get(kid) ?? null;
    },
    async rotate() {
      await read();
      const atMs = Math.floor(wallNowMs());
      const { purpose: _, ...key } = await makeSigningKey(ring, atMs, 'ES256', 'audit-key-sealing');
      if (!(await store.addKey(key, Math.max(newestOf(keys), atMs) + 1))) {
        throw new SekishoError('conflict', 'Another key of the audit trail was made just now.');
      }
      const retired = keys.filter(({ retiredAtMs }) => retiredAtMs === null).map(({ kid }) => kid);
      for (const kid of retired) await store.retireKey(kid, atMs);
      await read();
      plannedAtMs = wallNowMs();
      return { kid: key.kid, retired };
    },
    async publicKeys() {
      await upToDate();
      return ours().map(({ kid, alg, publicKey }) =>
        publicJwkOf({ kid, alg, publicJwk: { ...publicKey.export({ format: 'jwk' }) } }),
      );
    },
  };
}

/** When the last of them begins to sign. */
function newestOf(keys: readonly AuditKey[]): number {
  return keys.reduce((last, { activeFromMs }) => Math.max(last, activeFromMs), 0);
}
