import type { Entry, Subject } from '../revocation/types.ts';

/** What the use cases revoke, each as the subject of an entry. */

/** Every session of a user but the spared one. */
export function floorOfUser(tid: string, uid: string, sparedSid: string | null): Subject {
  return { scope: 'user', tid, uid, sid: null, sparedSid };
}

/** Every session of a tenant but the spared one. */
export function floorOfTenant(tid: string, sparedSid: string | null): Subject {
  return { scope: 'tenant', tid, uid: null, sid: null, sparedSid };
}

/** Every session of every tenant. */
export function floorOfAll(): Subject {
  return { scope: 'all', tid: null, uid: null, sid: null, sparedSid: null };
}

/** One session. */
export function endOfSession(tid: string, uid: string | null, sid: string): Subject {
  return { scope: 'session', tid, uid, sid, sparedSid: null };
}

/** The access tokens that one session has by now; the session lives on. */
export function reissueOfSession(tid: string, uid: string, sid: string): Subject {
  return { scope: 'reissue', tid, uid, sid, sparedSid: null };
}

/** The access tokens that all sessions of a user have by now. */
export function reissueOfUser(tid: string, uid: string): Subject {
  return { scope: 'reissue', tid, uid, sid: null, sparedSid: null };
}

/** The access tokens that all sessions of a tenant have by now. */
export function reissueOfTenant(tid: string): Subject {
  return { scope: 'reissue', tid, uid: null, sid: null, sparedSid: null };
}

/** The access tokens that all sessions of all tenants have by now. */
export function reissueOfAll(): Subject {
  return { scope: 'reissue', tid: null, uid: null, sid: null, sparedSid: null };
}

/** Whether an entry ends sessions, rather than only tokens of sessions that live on. */
export function endsSessions(entry: Pick<Entry, 'scope'>): boolean {
  return entry.scope !== 'reissue';
}
