import { type ExportedLine, lineOf } from '../audit/export.ts';
import type { AuditEvent } from '../audit/types.ts';
import type { AuditFilter } from '../record/contract.ts';
import { auditRowOf } from './audit.ts';
import type { Administration } from './contract.ts';
import { nowMs, type Services } from './services.ts';

/** Rows that are read at once: neither the record nor this process is held up by an export (A6). */
const ROWS_A_PAGE = 200;
/** A page of a list takes at most so many looks, so that nobody is answered only when a whole trail was looked through. */
const LOOKS_A_PAGE = 10;

/** The tenant's audit trail and figures. */
export function createAuditAdministration(
  services: Services,
): Pick<Administration, 'listAudit' | 'lookAudit' | 'exportAudit' | 'stats'> {
  const { audit, tenants } = services.record;
  return {
    listAudit: (caller, filter, page) => audit.list(caller.session.tenantId, filter, page),
    async lookAudit(caller, filter, { limit, cursor }) {
      const rows: AuditEvent[] = [];
      let next = cursor;
      for (let looks = 0; looks < LOOKS_A_PAGE && rows.length < limit; looks += 1) {
        const page = { limit: limit - rows.length, cursor: next };
        const found = await audit.look(caller.session.tenantId, filter, page);
        rows.push(...found.rows);
        next = found.next;
        if (next === null) break;
      }
      return { rows, next };
    },
    async exportAudit(caller, filter, format) {
      const now = nowMs(services);
      const { actor, action, fromMs, toMs } = filter;
      const detail = {
        format,
        ...(actor === undefined ? {} : { actor }),
        ...(action === undefined ? {} : { action }),
        ...(fromMs === undefined ? {} : { from: new Date(fromMs).toISOString() }),
        ...(toMs === undefined ? {} : { to: new Date(toMs).toISOString() }),
      };
      // Before the first row leaves: who took the trail away stands in it (ASVS 16.2.1).
      await audit.append([auditRowOf(services, caller, { action: 'audit_exported', detail })]);
      // It ends, however much is recorded meanwhile.
      const ended = { ...filter, toMs: Math.min(toMs ?? now, now) };
      return pagesOf(services, caller.session.tenantId, ended);
    },
    stats: (caller) => tenants.stats(caller.session.tenantId, nowMs(services)),
  };
}

async function* pagesOf(
  { record }: Pick<Services, 'record'>,
  tid: string,
  filter: AuditFilter,
): AsyncGenerator<readonly ExportedLine[]> {
  let cursor: { readonly atUs: number; readonly id: string } | null = null;
  for (;;) {
    const page: Awaited<ReturnType<typeof record.trail.exportPage>> = await record.trail.exportPage(
      tid,
      filter,
      { limit: ROWS_A_PAGE, cursor },
    );
    if (page.rows.length > 0) yield page.rows.map(lineOf);
    if (page.next === null) return;
    cursor = page.next;
  }
}
