import { SekishoError } from '../errors.ts';
import { normaliseEmail } from '../tenant/email.ts';
import { DEFAULT_POLICY } from '../tenant/policy.ts';
import { auditRowOf } from './audit.ts';
import type { Administration } from './contract.ts';
import { nowMs, type Services } from './services.ts';

/** Accounts that have to wait before the next login, and letting them. */
export function createAttemptAdministration(
  services: Services,
): Pick<Administration, 'listLimited' | 'liftLimit'> {
  const { attempts, tenants } = services.record;
  return {
    async listLimited(caller, page) {
      const { tenantId: tid } = caller.session;
      const atMs = nowMs(services);
      const { loginLimit } = (await tenants.policy(tid, atMs)) ?? {
        loginLimit: DEFAULT_POLICY.login_limit,
      };
      return attempts.listLimited(tid, atMs, page, loginLimit);
    },

    async liftLimit(caller, email) {
      const { tenantId: tid } = caller.session;
      const account = normaliseEmail(email);
      const row = auditRowOf(services, caller, {
        action: 'authn_login_limit_lifted',
        detail: { email: account },
      });
      const lifted = account !== null && (await attempts.lift(tid, account, [row]));
      if (!lifted) throw new SekishoError('not_found', 'No attempts are counted for this address.');
    },
  };
}
