import { isOutage, SekishoError } from '../errors.ts';
import { isId, newId } from '../id.ts';
import { addressKey } from '../login/address.ts';
import type { AttemptBucket, ClientCredentials } from '../record/contract.ts';
import type { Head } from '../revocation/types.ts';
import { hashClientSecret, isSameHash, parseClientSecret } from '../token/client-secret.ts';
import { tooMany } from './attempts.ts';
import { ANONYMOUS, auditRow } from './audit.ts';
import type { Authenticator } from './authenticate.ts';
import type { CallingClient, Clients } from './client-contract.ts';
import type { Origin } from './contract.ts';
import { introspect } from './introspect.ts';
import { nowMs, type Services } from './services.ts';
import { revokeToken } from './token-revocation.ts';

/** How long a node takes the record's answer about a client for true. */
const KNOWN_MS = 5_000;

/** The same while the record cannot be read, and the node itself may still answer. */
const KNOWN_IN_OUTAGE_MS = 15_000;

/** Last use is written at most so often. */
const TOUCH_EVERY_MS = 60_000;

/** Under which failures of all tenants are counted: a tenant that somebody made up must not make a row. */
const ATTEMPTS_OF_CLIENTS = 'clients';

/** Wrong client credentials from one address: 60 in 15 minutes, then a wait that doubles from 1 s to a minute. */
const FAILURES = { attempts: 60, windowMs: 900_000, maxWaitMs: 60_000 } as const;

/** Service clients: who they are, and what they may ask for. */
export function createClients(services: Services, authenticator: Authenticator): Clients {
  const { record, clientCache, clock, follower, log, tally } = services;
  /** Look-ups that are under way: requests at the same time share one. */
  const asking = new Map<string, Promise<LookedUp>>();

  /** Asks the record, and remembers a good answer. */
  async function lookUp(tid: string, cid: string, hash: Buffer): Promise<LookedUp> {
    const askedAtMs = clock.monotonicMs();
    const { generation, applied: position } = follower.status();
    const asked = { generation: generation ?? '', position };
    const found = await record.clients.credentials(tid, cid);
    const now = nowMs(services);
    const secret = found === null ? null : secretOf(found, hash, now);
    if (found === null || secret === null) return { client: null, exists: found !== null, asked };
    const client = Object.freeze({ tenantId: tid, clientId: cid, name: found.client.name });
    clientCache.put({ client, hash, askedAtMs, asked, endsAtMs: secret.endsAtMs });
    touch(tid, found, now);
    return { client, exists: true, asked };
  }

  function lookUpOnce(tid: string, cid: string, hash: Buffer): Promise<LookedUp> {
    const key = `${tid}.${cid}.${hash.toString('base64url')}`;
    const running = asking.get(key);
    if (running !== undefined) return running;
    const started = lookUp(tid, cid, hash).finally(() => asking.delete(key));
    asking.set(key, started);
    return started;
  }

  function touch(tid: string, { client }: ClientCredentials, now: number): void {
    if (client.lastUsedAtMs !== null && now - client.lastUsedAtMs < TOUCH_EVERY_MS) return;
    record.clients.touch(tid, client.cid, now, TOUCH_EVERY_MS).catch((error: unknown) => {
      log.warn({ err: error, client_id: client.cid }, 'the last use of a client was not written');
    });
  }

  async function look(tid: string, cid: string, hash: Buffer): Promise<Looked> {
    const known = clientCache.find(tid, cid, hash, KNOWN_MS);
    if (known !== null) return { client: known, exists: true };
    try {
      const looked = await lookUpOnce(tid, cid, hash);
      // BARRIER: what was on its way when the tenant was suspended or deleted is asked for again.
      if (looked.client === null || !clientCache.isOver(tid, looked.asked)) return looked;
      return await lookUp(tid, cid, hash);
    } catch (error) {
      // A client does not lose access sooner than this node loses the right to answer at all.
      const older = clientCache.find(tid, cid, hash, KNOWN_IN_OUTAGE_MS);
      if (older === null || !isOutage(error)) throw error;
      return { client: older, exists: true };
    }
  }

  /**
   * Counts wrong credentials by address, and says how they are refused. What is right is never counted, so that nobody is
   * kept out by a neighbour: a secret has 256 random bits, and the limit keeps floods out of the stores, not guesses.
   */
  async function refusal(tid: string | null, cid: string, origin: Origin): Promise<SekishoError> {
    const address = origin.ip === null ? null : addressKey(origin.ip);
    const buckets: readonly AttemptBucket[] =
      address === null ? [] : [{ kind: 'address', key: `client ${address}`, ...FAILURES }];
    const reserved =
      buckets.length === 0
        ? null
        : await record.attempts.reserve(ATTEMPTS_OF_CLIENTS, buckets, newId(), nowMs(services));
    const error =
      reserved?.kind === 'limited' ? tooMany(reserved, buckets, 'client') : wrongClient();
    tally.count({ action: 'authn_client_fail', tid, code: error.code, key: address ?? '' }, () =>
      auditRow(services, {
        tid,
        action: 'authn_client_fail',
        outcome: 'failure',
        actor: ANONYMOUS,
        subject: isId(cid) ? { kind: 'client', id: cid } : null,
        origin,
        detail: { code: error.code },
      }),
    );
    return error;
  }

  return Object.freeze({
    async authenticate({ id, secret }, origin) {
      const parsed = parseClientSecret(secret);
      const looked =
        parsed === null || !isId(id)
          ? NOBODY
          : await look(parsed.tid, id, hashClientSecret(secret));
      if (looked.client !== null) return looked.client;
      throw await refusal(looked.exists ? (parsed?.tid ?? null) : null, id, origin);
    },
    introspect: (client, token) => introspect(services, authenticator, client, token),
    revokeToken: (client, token, origin) =>
      revokeToken(services, authenticator, client, token, origin),
  } satisfies Clients);
}

/** What the record said: the client, or whether there is one that the secret does not belong to. */
interface Looked {
  readonly client: CallingClient | null;
  readonly exists: boolean;
}

/** With what of the revocation log this node had applied before it asked. */
type LookedUp = Looked & { readonly asked: Head };

const NOBODY: Looked = Object.freeze({ client: null, exists: false });

/** The secret with this hash, if it is good now. All are compared, each in constant time. */
function secretOf(
  { secrets, tenantStatus }: ClientCredentials,
  hash: Uint8Array,
  now: number,
): { readonly endsAtMs: number | null } | null {
  const right = secrets.filter((secret) => isSameHash(secret.hash, hash));
  const good = right.find(({ endsAtMs }) => endsAtMs === null || now < endsAtMs);
  return tenantStatus === 'active' ? (good ?? null) : null;
}

/** One answer for unknown, wrong, ended and suspended. */
function wrongClient(): SekishoError {
  return new SekishoError('invalid_client', 'The client id or the client secret is wrong.');
}
