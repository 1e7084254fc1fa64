import type { NewAuditEvent } from '../../audit/types.ts';
import { SekishoError } from '../../errors.ts';
import type { Change, SessionRow } from '../../record/contract.ts';
import type { Subject } from '../../revocation/types.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { noSuch } from '../no-such.ts';
import { revoke, standing } from '../revoke.ts';
import { nowMs, type Services } from '../services.ts';
import { endOfSession, floorOfAll, floorOfTenant, floorOfUser } from '../subjects.ts';
import { ACTOR } from './actor.ts';
import type { OperatorSessions, RevokedSubject, TenantSeen } from './contract.ts';
import { tenantNamed, userNamed } from './names.ts';
import { waiting, waitOf } from './revoking.ts';
import { sessionEnd } from './session-end.ts';
import type { SessionSeen } from './sessions-contract.ts';

/** What a revocation by the operator consists of. */
interface Ending {
  readonly revoke: readonly Subject[];
  readonly change: Change | null;
  readonly audited: {
    readonly tid: string | null;
    readonly action: 'session_revoked' | 'tenant_sessions_revoked' | 'revoke_all';
    readonly subject: NewAuditEvent['subject'];
  };
}

export function createOperatorSessions(services: Services): OperatorSessions {
  const { sessions, users, log } = services.record;

  /** With the users' e-mail addresses, each of which is looked up once. */
  async function seen(tid: string, rows: readonly SessionRow[]): Promise<readonly SessionSeen[]> {
    const emails = new Map<string, string | null>();
    for (const { uid } of rows) {
      if (!emails.has(uid)) emails.set(uid, (await users.get(tid, uid))?.email ?? null);
    }
    return rows.map((row) => ({ ...row, email: emails.get(row.uid) ?? null }));
  }

  async function sessionOf(tenant: TenantSeen, sid: string): Promise<SessionRow> {
    const found = await sessions.get(tenant.tid, sid, nowMs(services));
    if (found !== null) return found;
    throw new SekishoError('not_found', `There is no such session in ${tenant.slug}.`);
  }

  async function endingOf(input: RevokedSubject): Promise<Ending> {
    if (input.scope === 'all') {
      const audited = { tid: null, action: 'revoke_all', subject: null } as const;
      return { revoke: [floorOfAll()], change: null, audited };
    }
    const tenant = await tenantNamed(services, input.tenant);
    const { tid } = tenant;
    const ended = { kind: 'session_end', tid, sparedSid: null, how: 'revoked' } as const;
    if (input.scope === 'tenant') {
      return {
        revoke: [floorOfTenant(tid, null)],
        change: { ...ended, uid: null, sid: null },
        audited: { tid, action: 'tenant_sessions_revoked', subject: { kind: 'tenant', id: tid } },
      };
    }
    if (input.scope === 'user') {
      const { uid } = await userNamed(services, tenant, input.user);
      return {
        revoke: [floorOfUser(tid, uid, null)],
        change: { ...ended, uid, sid: null },
        audited: { tid, action: 'session_revoked', subject: { kind: 'user', id: uid } },
      };
    }
    const { sid, uid } = await sessionOf(tenant, input.session);
    return {
      revoke: [endOfSession(tid, uid, sid)],
      change: { ...ended, uid: null, sid },
      audited: { tid, action: 'session_revoked', subject: { kind: 'session', id: sid } },
    };
  }

  return {
    async listSessions({ tenant: name, user: who, state, page }) {
      const tenant = await tenantNamed(services, name);
      const uid = who === null ? null : (await userNamed(services, tenant, who)).uid;
      return seen(tenant.tid, await sessions.list(tenant.tid, uid, state, page, nowMs(services)));
    },

    async getSession(input) {
      const tenant = await tenantNamed(services, input.tenant);
      const row = await sessionOf(tenant, input.session);
      const [found] = await seen(tenant.tid, [row]);
      const end = row.state === 'revoked' ? await sessionEnd(services, tenant.tid, row) : null;
      return { ...(found ?? { ...row, email: null }), end };
    },

    async revokeSessions(input) {
      const { audited, ...ending } = await endingOf(input);
      const { revocation } = await revoke(services, {
        actor: ACTOR,
        ...ending,
        ...waiting(input),
        audit: [
          auditRow(services, {
            ...audited,
            actor: OPERATOR,
            detail: input.reason === null ? {} : { reason: input.reason },
          }),
        ],
      });
      return revocation;
    },

    async getRevocation(input) {
      const tid = input.tenant === null ? null : (await tenantNamed(services, input.tenant)).tid;
      const state = await log.operation(tid, input.id);
      if (state.kind !== 'committed' || state.row === null) {
        throw noSuch('revocation');
      }
      return standing(services, state.row, waitOf(input.waitMs), state.last ?? state.row);
    },
  };
}
