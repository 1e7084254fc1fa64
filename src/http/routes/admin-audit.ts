import { z } from 'zod';
import { AUDIT_ACTIONS } from '../../audit/actions.ts';
import { SekishoError } from '../../errors.ts';
import type { AuditFilter } from '../../record/contract.ts';
import { openExport } from '../export.ts';
import { listSchema, timeOf } from '../objects/common.ts';
import { auditOf, auditSchema } from '../objects/insight.ts';
import { lookedPageOf, pageFields } from '../page.ts';
import { queryTime } from '../query.ts';
import { type Route, route } from '../route.ts';

const filterFields = {
  actor: z.string().min(1).max(100).optional().describe('Id of the user who acted.'),
  action: z
    .enum(AUDIT_ACTIONS, `must be one of ${AUDIT_ACTIONS.join(', ')}`)
    .optional()
    .meta({ examples: ['authn_login_fail'] }),
  from: queryTime().optional().describe('RFC 3339; rows of this time and later.'),
  to: queryTime().optional().describe('RFC 3339; rows before this time.'),
};

function filterOf(query: {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}): AuditFilter {
  const { actor, action, from, to } = query;
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(action === undefined ? {} : { action }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
  };
}

const list = route({
  method: 'GET',
  path: '/v1/admin/audit',
  name: 'admin.audit.list',
  group: 'Insight',
  summary: 'The audit trail of the tenant',
  description:
    'Newest first. Of a long trail a call looks at 20,000 rows: where the filter fits few of them, a page has fewer rows than `limit`, or none, and `next_cursor` goes on; null says that there are no more.',
  who: 'admin',
  query: z.strictObject({
    ...pageFields,
    ...filterFields,
  }),
  responses: { 200: listSchema('events', auditSchema) },
  errors: ['invalid_cursor'],
  async handle({ engine, caller, query }) {
    const filter = filterOf(query);
    const { rows, nextCursor } = await lookedPageOf(
      query,
      (page) => engine.administration.lookAudit(caller, filter, page),
      (event) => ({ atMs: event.atMs, id: event.id }),
    );
    return { status: 200, body: { events: rows.map(auditOf), next_cursor: nextCursor } };
  },
});

const MEDIA_TYPES = Object.freeze({
  jsonl: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
});

const exported = route({
  method: 'GET',
  path: '/v1/admin/audit/export',
  name: 'admin.audit.export',
  group: 'Insight',
  summary: 'The audit trail of the tenant as a file',
  description:
    'Oldest first, up to the time of the call, sent while it is read. JSON lines: the objects of the list with `tenant_id` and `seal` (docs/audit.md tells how it is verified); CSV: one column a member, with an apostrophe before cells that a spreadsheet would calculate. Stands in the trail itself. Broken off when the session is revoked.',
  who: 'admin',
  query: z.strictObject({
    format: z.enum(['jsonl', 'csv']).default('jsonl'),
    ...filterFields,
  }),
  responses: { 200: null },
  produces: 'application/x-ndjson',
  errors: ['too_many_streams'],
  async handle({ engine, settings, caller, presented, request, query }) {
    const { format } = query;
    const day = timeOf(settings.clock.wallMs()).slice(0, 10);
    const headers = {
      'content-type': MEDIA_TYPES[format],
      'content-disposition': `attachment; filename="audit-${day}.${format}"`,
      'x-accel-buffering': 'no',
    };
    if (presented === null) throw new SekishoError('credentials_required', 'Log in first.');
    const session = await engine.events.connectionOf(presented.token);
    if (request.method === 'HEAD') return { status: 200, headers };
    const filter = filterOf(query);
    const stream = await openExport(engine, session, format, () =>
      engine.administration.exportAudit(caller, filter, format),
    );
    return { status: 200, headers, stream };
  },
});

export const adminAuditRoutes: readonly Route[] = [list, exported];
