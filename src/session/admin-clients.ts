import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import type { Actor, Change, NewClientSecret, ServiceClient } from '../record/contract.ts';
import { parseName } from '../tenant/name.ts';
import { hashClientSecret, makeClientSecret } from '../token/client-secret.ts';
import { adminActor } from './administrator.ts';
import { type AuditInput, type auditRow, auditRowOf } from './audit.ts';
import type {
  ClientAdministration,
  ClientWithSecret,
  NewClient,
  NewSecret,
} from './client-contract.ts';
import type { Caller } from './contract.ts';
import { noSuch } from './no-such.ts';
import { publish } from './publish.ts';
import { perform } from './revoke.ts';
import { nowMs, type Services } from './services.ts';

/** How long a secret is good at least, where it has an end, seconds: a minute. */
export const MIN_SECRET_SECONDS = 60;
/** And at most: ten years. */
export const MAX_SECRET_SECONDS = 315_360_000;
/** How long the secret before a new one may go on at most, seconds: 30 days. */
export const MAX_OVERLAP_SECONDS = 2_592_000;
/** The same where nobody says: a day. */
export const DEFAULT_OVERLAP_SECONDS = 86_400;

/** Service clients of the administrator's own tenant. */
export function createClientAdministration(services: Services): ClientAdministration {
  const { clients } = services.record;
  return {
    listClients: (caller, page) => clients.list(caller.session.tenantId, page),

    async getClient(caller, cid) {
      const client = await clients.get(caller.session.tenantId, cid);
      if (client === null) throw noSuch('service client');
      return client;
    },

    createClient: (caller, input) =>
      createClient(services, byAdministrator(services, caller), input),
    addClientSecret: (caller, cid, input) =>
      addClientSecret(services, byAdministrator(services, caller), cid, input),
    deleteClient: (caller, cid) => deleteClient(services, byAdministrator(services, caller), cid),
  };
}

/** On whose authority clients are changed, in which tenant. */
export interface ClientAuthor {
  readonly tid: string;
  readonly actor: Actor;
  audit(input: Omit<AuditInput, 'tid' | 'actor' | 'origin'>): ReturnType<typeof auditRow>;
}

function byAdministrator(services: Services, caller: Caller): ClientAuthor {
  return {
    tid: caller.session.tenantId,
    actor: adminActor(caller),
    audit: (input) => auditRowOf(services, caller, input),
  };
}

/** @throws SekishoError `validation_failed` for a name or a time that is none. */
export async function createClient(
  services: Services,
  by: ClientAuthor,
  input: NewClient,
): Promise<ClientWithSecret> {
  const { tid } = by;
  const name = parseName(input.name);
  if (name === '') throw invalid('/name', 'must not be empty');
  const at = nowMs(services);
  const { stored, secret } = newSecret(tid, input.expiresInSeconds, at);
  const cid = newId();
  const change = { kind: 'client_create', tid, cid, name, secret: stored } as const;
  await commit(services, by, change, { action: 'client_created', detail: { name } }, at);
  publish(services, 'client.created', tid, { tid, cid });
  return { client: await existing(services, tid, cid), secret };
}

/** @throws SekishoError `not_found`, `validation_failed`. */
export async function addClientSecret(
  services: Services,
  by: ClientAuthor,
  cid: string,
  input: NewSecret,
): Promise<ClientWithSecret> {
  const { tid } = by;
  const { overlapSeconds } = input;
  requireSeconds('/overlap', overlapSeconds, 0, MAX_OVERLAP_SECONDS);
  const at = nowMs(services);
  const { stored, secret } = newSecret(tid, input.expiresInSeconds, at);
  const oldEndsAtMs = at + overlapSeconds * 1000;
  const change = { kind: 'client_secret', tid, cid, secret: stored, oldEndsAtMs } as const;
  const detail = { overlap_s: overlapSeconds };
  await commit(services, by, change, { action: 'client_secret_added', detail }, at);
  publish(services, 'client.changed', tid, { tid, cid });
  return { client: await existing(services, tid, cid), secret };
}

/** @throws SekishoError `not_found`. */
export async function deleteClient(
  services: Services,
  by: ClientAuthor,
  cid: string,
): Promise<void> {
  const { tid } = by;
  await commit(services, by, { kind: 'client_delete', tid, cid }, { action: 'client_deleted' });
  publish(services, 'client.deleted', tid, { tid, cid });
}

/** COMMIT: authority, change and audit row in one transaction. */
async function commit(
  services: Services,
  by: ClientAuthor,
  change: Extract<Change, { readonly cid: string }>,
  row: Pick<AuditInput, 'action' | 'detail'>,
  at = nowMs(services),
): Promise<void> {
  await perform(services, {
    actor: by.actor,
    revoke: [],
    change,
    reason: null,
    nowMs: at,
    audit: [by.audit({ ...row, subject: { kind: 'client', id: change.cid } })],
  });
}

/** The time is that which the change is committed with: both ends count from it. */
function newSecret(
  tid: string,
  expiresInSeconds: number | null,
  at: number,
): { readonly stored: NewClientSecret; readonly secret: string } {
  if (expiresInSeconds !== null) {
    requireSeconds('/expires_in', expiresInSeconds, MIN_SECRET_SECONDS, MAX_SECRET_SECONDS);
  }
  const secret = makeClientSecret(tid);
  const endsAtMs = expiresInSeconds === null ? null : at + expiresInSeconds * 1000;
  return { stored: { hash: hashClientSecret(secret), endsAtMs }, secret };
}

async function existing(services: Services, tid: string, cid: string): Promise<ServiceClient> {
  const client = await services.record.clients.get(tid, cid);
  if (client === null) throw noSuch('service client');
  return client;
}

function requireSeconds(pointer: string, seconds: number, least: number, most: number): void {
  if (Number.isInteger(seconds) && seconds >= least && seconds <= most) return;
  throw invalid(pointer, `must be whole seconds, ${least} to ${most}`);
}

function invalid(pointer: string, detail: string): SekishoError {
  return new SekishoError('validation_failed', `A service client cannot be made: ${detail}.`, {
    errors: [{ pointer, detail }],
  });
}
