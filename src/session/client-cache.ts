import type { Clock } from '../clock.ts';
import type { Hub } from '../hub/contract.ts';
import type { Follower } from '../revocation/contract.ts';
import type { Head } from '../revocation/types.ts';
import { isSameHash } from '../token/client-secret.ts';
import type { CallingClient } from './client-contract.ts';

/** Clients that are kept at once; the one that was looked up longest ago gives way. */
const MAX_CLIENTS = 10_000;

/** A secret that was right when the record was last asked. */
interface Known {
  readonly client: CallingClient;
  readonly hash: Uint8Array;
  /** Monotonic, from before the record was asked. */
  readonly askedAtMs: number;
  /** What of the revocation log this node had applied before it asked. */
  readonly asked: Head;
  /** Wall time; null: without an end. */
  readonly endsAtMs: number | null;
}

/**
 * Secrets of service clients that were right a moment ago, so that a client that asks a thousand times a second costs the
 * record one look-up in some seconds. Whoever reads says how old an answer may be. What the record said before a revocation
 * of the tenant, or of all, counts for nothing: the tenant may be suspended or deleted since (BARRIER).
 */
export interface ClientCache {
  /** The client whose secret has this hash, if the record said so at most `maxAgeMs` ago. */
  find(tid: string, cid: string, hash: Uint8Array, maxAgeMs: number): CallingClient | null;
  put(known: Known): void;
  /** Whether a floor of the tenant, or of all, was raised since, or this node may not say so. */
  isOver(tid: string, asked: Head): boolean;
  close(): void;
}

export function createClientCache(options: {
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly hub: Hub;
  readonly follower: Pick<Follower, 'judgeNow'>;
}): ClientCache {
  const { clock, wallNowMs, hub, follower } = options;
  const known = new Map<string, readonly Known[]>();
  // A hint that makes it faster; what bounds the age of an answer is `maxAgeMs`.
  const stop = hub.onEvent(({ type, subject }) => {
    if (type.startsWith('client.') && typeof subject.cid === 'string') known.delete(subject.cid);
  });

  /** A client has no session and no floor of its own: as a token of `asked` without one, its tenant's and that of all hold. */
  function isOver(tid: string, { generation, position }: Head): boolean {
    const facts = { tid, uid: '', sid: '', generation, epoch: position, tokenEpoch: position };
    const { kind } = follower.judgeNow(facts);
    return kind !== 'pass' && kind !== 'superseded';
  }

  return {
    isOver,

    find(tid, cid, hash, maxAgeMs) {
      const now = clock.monotonicMs();
      for (const one of known.get(cid) ?? []) {
        const { client, askedAtMs, endsAtMs } = one;
        if (client.tenantId !== tid || !isSameHash(one.hash, hash)) continue;
        if (now - askedAtMs > maxAgeMs || isOver(tid, one.asked)) return null;
        return endsAtMs !== null && wallNowMs() >= endsAtMs ? null : client;
      }
      return null;
    },

    put(one) {
      const { clientId } = one.client;
      const others = (known.get(clientId) ?? []).filter(({ hash }) => !isSameHash(hash, one.hash));
      // Of two secrets at most both are in use.
      known.delete(clientId);
      known.set(clientId, [one, ...others.slice(0, 1)]);
      if (known.size > MAX_CLIENTS) {
        for (const oldest of known.keys()) {
          known.delete(oldest);
          break;
        }
      }
    },

    close() {
      stop();
      known.clear();
    },
  };
}
