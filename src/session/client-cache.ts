import type { Clock } from '../clock.ts';
import type { Hub } from '../hub/contract.ts';
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
  /** Wall time; null: without an end. */
  readonly endsAtMs: number | null;
}

/**
 * Secrets of service clients that were right a moment ago, so that a client that asks a thousand times a second costs the
 * record one look-up in some seconds. Whoever reads says how old an answer may be.
 */
export interface ClientCache {
  /** The client whose secret has this hash, if the record said so at most `maxAgeMs` ago. */
  find(tid: string, cid: string, hash: Uint8Array, maxAgeMs: number): CallingClient | null;
  put(known: Known): void;
  close(): void;
}

export function createClientCache(options: {
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly hub: Hub;
}): ClientCache {
  const { clock, wallNowMs, hub } = options;
  const known = new Map<string, readonly Known[]>();
  // A hint that makes it faster; what bounds the age of an answer is `maxAgeMs`.
  const stop = hub.onEvent(({ type, subject }) => {
    if (type.startsWith('client.') && typeof subject.cid === 'string') known.delete(subject.cid);
  });

  return {
    find(tid, cid, hash, maxAgeMs) {
      const now = clock.monotonicMs();
      for (const one of known.get(cid) ?? []) {
        const { client, askedAtMs, endsAtMs } = one;
        if (client.tenantId !== tid || !isSameHash(one.hash, hash)) continue;
        if (now - askedAtMs > maxAgeMs) return null;
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
