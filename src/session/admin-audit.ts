import type { Administration } from './contract.ts';
import { nowMs, type Services } from './services.ts';

/** The tenant's audit trail and figures. */
export function createAuditAdministration(
  services: Services,
): Pick<Administration, 'listAudit' | 'stats'> {
  const { audit, tenants } = services.record;
  return {
    listAudit: (caller, filter, page) => audit.list(caller.session.tenantId, filter, page),
    stats: (caller) => tenants.stats(caller.session.tenantId, nowMs(services)),
  };
}
