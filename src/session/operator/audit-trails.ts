import { SekishoError } from '../../errors.ts';
import { isId } from '../../id.ts';
import { type AuditInput, auditRow, OPERATOR } from '../audit.ts';
import type { Services } from '../services.ts';
import type { OfTrail } from './audit-contract.ts';
import { tenantNamed } from './names.ts';

const TENANTS_A_PAGE = 200;

/** The tid of whose trail it is; '' for the operators'. Also of a tenant that was deleted: its trail stays. */
export async function tidOf(services: Services, { tenant }: OfTrail): Promise<string> {
  if (tenant === null) return '';
  const found = await tenantNamed(services, tenant).catch((error: unknown) => {
    if (error instanceof SekishoError && error.code === 'not_found') return null;
    throw error;
  });
  if (found !== null) return found.tid;
  if (isId(tenant) && (await services.record.trail.state(tenant)).known) return tenant;
  throw new SekishoError('not_found', `There is no tenant ${tenant.slice(0, 100)}.`);
}

/** Every trail that there is. */
export async function everyTid({ record }: Services): Promise<readonly string[]> {
  const tids: string[] = [];
  for (;;) {
    const page = await record.trail.tenants(tids.at(-1) ?? null, TENANTS_A_PAGE);
    tids.push(...page);
    if (page.length < TENANTS_A_PAGE) return tids;
  }
}

export async function slugOf({ record }: Services, tid: string): Promise<string | null> {
  return tid === '' ? null : ((await record.tenants.byId(tid))?.slug ?? null);
}

/**
 * A row of what an operator did to a trail, in that trail; of a tenant that was deleted in the operators' own, so that nothing
 * is added to what is to go.
 */
export async function rowOnTrail(
  services: Services,
  tid: string,
  input: Omit<AuditInput, 'tid' | 'actor'>,
) {
  const isGone = tid !== '' && (await services.record.tenants.byId(tid)) === null;
  if (!isGone) {
    return auditRow(services, { ...input, tid: tid === '' ? null : tid, actor: OPERATOR });
  }
  return auditRow(services, {
    ...{ ...input, tid: null, actor: OPERATOR },
    subject: input.subject ?? { kind: 'tenant', id: tid },
    detail: { ...input.detail, tenant_id: tid },
  });
}
