import type { Actor } from '../record/contract.ts';
import { ADMIN_ROLE } from '../tenant/role.ts';
import type { Caller } from './contract.ts';

/** AUTHORITY: the caller's session must be alive and its user still an administrator when the write is judged. */
export function adminActor(caller: Caller): Actor {
  const { tenantId: tid, userId: uid, sessionId: sid } = caller.session;
  return { kind: 'session', tid, uid, sid, role: ADMIN_ROLE };
}
