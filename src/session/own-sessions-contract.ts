import type { Page, SessionRow } from '../record/contract.ts';
import type { Tenant, User } from '../tenant/types.ts';
import type { Caller, Revocation } from './types.ts';

export interface OwnSessions {
  current(
    caller: Caller,
  ): Promise<{ readonly tenant: Tenant; readonly user: User; readonly session: SessionRow }>;
  /** Alive ones, newest first. */
  list(caller: Caller, page: Page): Promise<readonly SessionRow[]>;
  revoke(caller: Caller, sid: string): Promise<{ readonly revocation: Revocation }>;
  revokeOthers(caller: Caller): Promise<{ readonly revocation: Revocation }>;
}
