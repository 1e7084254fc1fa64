import type { NewAuditEvent } from '../audit/types.ts';
import { type Proven, SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import type { LoginFacts, OpenOutcome } from '../record/contract.ts';
import { issueSlots, makeRefreshToken } from '../token/refresh-token.ts';
import { auditRow, userActor } from './audit.ts';
import type { DeviceInput, EndSession, Origin, Revocation, TokenPair } from './contract.ts';
import { mintPair } from './mint.ts';
import { publish } from './publish.ts';
import { awaitEntries, DEFAULT_WAIT_MS } from './revoke.ts';
import { nowMs, type Services } from './services.ts';

/** How often a login begins anew when something overtook it, before it gives up. */
export const MAX_TRIES = 4;

export interface Opening {
  readonly facts: LoginFacts & {
    readonly tenant: NonNullable<LoginFacts['tenant']>;
    readonly user: NonNullable<LoginFacts['user']>;
  };
  readonly amr: readonly string[];
  readonly device: DeviceInput | null;
  readonly origin: Origin;
  /** As in `LoginInput`. */
  readonly endSession?: EndSession | undefined;
}

export type Opened =
  | { readonly kind: 'opened'; readonly pair: TokenPair; readonly revocation: Revocation | null }
  | Extract<OpenOutcome, { kind: 'session_limit_reached' }>
  /** Something overtook it: read the facts anew and judge them again (EPOCH, MINT). */
  | { readonly kind: 'overtaken' };

/**
 * MINT of a login: makes the session with an id, a refresh chain and an epoch of its own, ends what the device cap ends,
 * and waits until no node answers for that any more.
 */
export async function openSession(services: Services, opening: Opening): Promise<Opened> {
  const { record, follower, ring } = services;
  const { facts, device, origin } = opening;
  const { tid } = facts.tenant;
  const { uid } = facts.user;
  const sid = newId();
  const refreshToken = makeRefreshToken(tid, sid);
  const stampedAtMs = nowMs(services);
  const outcome = await record.sessions.open(tid, {
    sid,
    uid,
    deviceName: device?.name ?? null,
    deviceKind: device?.kind ?? null,
    ip: origin.ip,
    userAgent: origin.userAgent,
    amr: opening.amr,
    refresh: issueSlots(ring, refreshToken),
    epoch: facts.head,
    nowMs: stampedAtMs,
    audit: auditOf(services, opening, sid),
    endSids: sidsOf(opening.endSession),
  });
  switch (outcome.kind) {
    case 'opened': {
      follower.committed(outcome.evicted);
      const minting = mintPair(services, tid, outcome.mint, stampedAtMs, refreshToken);
      const waiting = awaitEntries(services, outcome.evicted, 'session_limit', DEFAULT_WAIT_MS);
      const [pair, revocation] = await Promise.all([minting, waiting]);
      publish(services, 'session.created', tid, { tid, uid, sid }, { amr: opening.amr.join(' ') });
      return { kind: 'opened', pair, revocation };
    }
    case 'session_limit_reached':
      return outcome;
    case 'identity_changed':
      await follower.identityChanged(outcome.head);
      return { kind: 'overtaken' };
    case 'superseded':
    case 'generation_changed':
      return { kind: 'overtaken' };
  }
}

function auditOf(services: Services, opening: Opening, sid: string): readonly NewAuditEvent[] {
  const { facts, origin, amr } = opening;
  const row = {
    tid: facts.tenant.tid,
    actor: userActor(facts.user.uid, sid),
    subject: { kind: 'session', id: sid },
    origin,
    detail: { amr: amr.join(' ') },
  };
  return [
    auditRow(services, { ...row, action: 'authn_login_success' }),
    auditRow(services, { ...row, action: 'session_created' }),
  ];
}

function sidsOf(chosen: EndSession | undefined): readonly string[] {
  if (chosen === undefined) return [];
  return typeof chosen === 'string' ? [chosen] : chosen;
}

/** The device cap refuses: 403 with the sessions, so that people can choose which to end, and how many that takes. */
export function limitReached(
  { sessions, surplus }: Extract<OpenOutcome, { kind: 'session_limit_reached' }>,
  { tenant, user }: Opening['facts'],
): SekishoError {
  const needed =
    surplus === 1
      ? 'repeat it with the one that is to end'
      : `repeat it with a list of ${surplus} that are to end: the cap was lowered since they began`;
  return new SekishoError(
    'session_limit_reached',
    `This user has ${sessions.length === 1 ? 'one session' : `${sessions.length} sessions`}, as many as the policy allows or more; ${needed}.`,
    {
      members: { sessions, sessions_to_end: surplus },
      proven: { tenantId: tenant.tid, userId: user.uid, sessionId: null },
    },
  );
}

/** Nobody of the tenant gets in until an operator resumes it. Only said to those who could come in otherwise. */
export function suspended(proven?: Proven): SekishoError {
  return new SekishoError('tenant_suspended', 'The tenant is suspended.', proven && { proven });
}

/** What a login says that was overtaken again and again. */
export function overtaken(): SekishoError {
  return new SekishoError('store_unavailable', 'The login was overtaken by changes; try again.', {
    retryAfterSeconds: 1,
  });
}
