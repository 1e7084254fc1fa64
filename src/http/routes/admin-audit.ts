import { z } from 'zod';
import { auditOf, auditSchema, listSchema } from '../objects.ts';
import { pageFields, pageOf } from '../page.ts';
import { queryTime } from '../query.ts';
import { type Route, route } from '../route.ts';

const list = route({
  method: 'GET',
  path: '/v1/admin/audit',
  name: 'admin.audit.list',
  group: 'Insight',
  summary: 'The audit trail of the tenant',
  description: 'Newest first.',
  who: 'admin',
  query: z.strictObject({
    ...pageFields,
    actor: z.string().min(1).max(100).optional().describe('Id of the user who acted.'),
    action: z
      .string()
      .regex(/^[a-z0-9_.]{1,64}$/, 'must be an action such as authn_login_fail')
      .optional(),
    from: queryTime().optional().describe('RFC 3339; rows of this time and later.'),
    to: queryTime().optional().describe('RFC 3339; rows before this time.'),
  }),
  responses: { 200: listSchema('events', auditSchema) },
  errors: ['invalid_cursor'],
  async handle({ engine, caller, query }) {
    const { actor, action, from, to } = query;
    const filter = {
      ...(actor === undefined ? {} : { actor }),
      ...(action === undefined ? {} : { action }),
      ...(from === undefined ? {} : { fromMs: from }),
      ...(to === undefined ? {} : { toMs: to }),
    };
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => engine.administration.listAudit(caller, filter, page),
      (event) => ({ atMs: event.atMs, id: event.id }),
    );
    return { status: 200, body: { events: rows.map(auditOf), next_cursor: nextCursor } };
  },
});

export const adminAuditRoutes: readonly Route[] = [list];
