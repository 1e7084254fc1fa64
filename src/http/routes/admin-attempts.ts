import { z } from 'zod';
import { listSchema } from '../objects/common.ts';
import { limitedOf, limitedSchema } from '../objects/insight.ts';
import { pageFields, pageOf } from '../page.ts';
import { type Route, route } from '../route.ts';

const list = route({
  method: 'GET',
  path: '/v1/admin/login-attempts',
  name: 'admin.loginAttempts.list',
  group: 'Users',
  summary: 'Accounts that have to wait',
  description: 'After too many failed logins; the last to try first.',
  who: 'admin',
  query: z.strictObject(pageFields),
  responses: { 200: listSchema('login_attempts', limitedSchema) },
  errors: ['invalid_cursor'],
  async handle({ engine, caller, query }) {
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => engine.administration.listLimited(caller, page),
      (account) => ({ atMs: account.lastAttemptAtMs, id: account.email }),
    );
    return { status: 200, body: { login_attempts: rows.map(limitedOf), next_cursor: nextCursor } };
  },
});

const lift = route({
  method: 'DELETE',
  path: '/v1/admin/login-attempts/{email}',
  name: 'admin.loginAttempts.lift',
  group: 'Users',
  summary: 'Lift the limit of an account',
  who: 'admin',
  params: { email: 'email' },
  responses: { 204: null },
  errors: ['not_found'],
  async handle({ engine, caller, params }) {
    await engine.administration.liftLimit(caller, params.email);
    return { status: 204 };
  },
});

export const adminAttemptRoutes: readonly Route[] = [list, lift];
