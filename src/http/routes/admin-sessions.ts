import { z } from 'zod';
import { isId } from '../../id.ts';
import type { Administration, Caller, RevokeOptions } from '../../session/contract.ts';
import { DEFAULT_WAIT_MS } from '../../session/revoke.ts';
import type { Idempotency } from '../idempotency.ts';
import { listSchema } from '../objects/common.ts';
import { anySessionOf, sessionSchema } from '../objects/people.ts';
import { type PageQuery, pageFields, pageOf } from '../page.ts';
import { type Answer, type Route, route } from '../route.ts';
import { reasonField } from './fields.ts';
import { REVOKED, revoked } from './revoked.ts';

const stateField = z
  .enum(['active', 'expired', 'revoked', 'all'])
  .optional()
  .describe('Default `active`.');

type State = z.infer<typeof stateField>;

/** How long a revoking call may be asked to wait, milliseconds. */
const MAX_WAIT_MS = 30_000;

const revokeBody = z.strictObject({
  reason: reasonField,
  wait_ms: z
    .int()
    .min(0)
    .max(MAX_WAIT_MS)
    .default(DEFAULT_WAIT_MS)
    .describe(
      'How long to wait for `everywhere` before the answer is `pending` (202). Part of the body that an ' +
        '`Idempotency-Key` is bound to: a repeat says the same.',
    ),
  include_self: z
    .boolean()
    .default(false)
    .describe("Whether the caller's own session ends too, where it is concerned."),
});

function optionsOf(
  body: z.infer<typeof revokeBody>,
  idempotency: Idempotency | null,
): RevokeOptions {
  return {
    reason: body.reason ?? null,
    waitMs: body.wait_ms,
    includeSelf: body.include_self,
    idempotency,
  };
}

async function listed(
  administration: Administration,
  caller: Caller,
  uid: string | null,
  query: PageQuery & { readonly state?: State },
): Promise<Answer> {
  const { rows, nextCursor } = await pageOf(
    query,
    (page) => administration.listSessions(caller, uid, query.state ?? 'active', page),
    (row) => ({ atMs: row.createdAtMs, id: row.sid }),
  );
  const sessions = rows.map((row) => anySessionOf(row, caller.session.sessionId));
  return { status: 200, body: { sessions, next_cursor: nextCursor } };
}

const ofUser = route({
  method: 'GET',
  path: '/v1/admin/users/{uid}/sessions',
  name: 'admin.users.sessions',
  group: 'Sessions',
  summary: 'Sessions of a user',
  who: 'admin',
  params: { uid: 'user' },
  query: z.strictObject({ ...pageFields, state: stateField }),
  responses: { 200: listSchema('sessions', sessionSchema) },
  errors: ['not_found', 'invalid_cursor'],
  async handle({ engine, caller, params, query }) {
    // Somebody who is not there is 404, not an empty list.
    await engine.administration.getUser(caller, params.uid);
    return listed(engine.administration, caller, params.uid, query);
  },
});

const ofTenant = route({
  method: 'GET',
  path: '/v1/admin/sessions',
  name: 'admin.sessions.list',
  group: 'Sessions',
  summary: 'Sessions of the tenant',
  description: 'Newest first; those of one user with `user`.',
  who: 'admin',
  query: z.strictObject({
    ...pageFields,
    user: z.string().refine(isId, 'must be the id of a user').optional(),
    state: stateField,
  }),
  responses: { 200: listSchema('sessions', sessionSchema) },
  errors: ['invalid_cursor'],
  handle: ({ engine, caller, query }) =>
    listed(engine.administration, caller, query.user ?? null, query),
});

const revokeUser = route({
  method: 'POST',
  path: '/v1/admin/users/{uid}/revoke',
  name: 'admin.users.revoke',
  group: 'Sessions',
  summary: 'Log a user out everywhere',
  description:
    'Forced logout: 200 when no node accepts any token of the user any more, 202 while that is not known of all nodes.',
  who: 'admin',
  params: { uid: 'user' },
  body: revokeBody,
  idempotency: true,
  responses: REVOKED,
  errors: ['not_found', 'idempotency_key_reused', 'outcome_unknown'],
  async handle({ engine, caller, params, body, idempotency }) {
    const options = optionsOf(body, idempotency);
    const { revocation } = await engine.administration.revokeUser(caller, params.uid, options);
    return revoked(revocation);
  },
});

const revokeSession = route({
  method: 'POST',
  path: '/v1/admin/sessions/{sid}/revoke',
  name: 'admin.sessions.revoke',
  group: 'Sessions',
  summary: 'End one session',
  description: 'The own session only with `include_self`; otherwise that is 409.',
  who: 'admin',
  params: { sid: 'session' },
  body: revokeBody,
  idempotency: true,
  responses: REVOKED,
  errors: ['not_found', 'conflict', 'idempotency_key_reused', 'outcome_unknown'],
  async handle({ engine, caller, params, body, idempotency }) {
    const options = optionsOf(body, idempotency);
    const { revocation } = await engine.administration.revokeSession(caller, params.sid, options);
    return revoked(revocation);
  },
});

const revokeAll = route({
  method: 'POST',
  path: '/v1/admin/revoke-all',
  name: 'admin.revokeAll',
  group: 'Sessions',
  summary: 'Log everybody of the tenant out',
  description: "The caller's own session goes on, unless `include_self` is set.",
  who: 'admin',
  body: revokeBody,
  idempotency: true,
  responses: REVOKED,
  errors: ['idempotency_key_reused', 'outcome_unknown'],
  async handle({ engine, caller, body, idempotency }) {
    const options = optionsOf(body, idempotency);
    const { revocation } = await engine.administration.revokeAll(caller, options);
    return revoked(revocation);
  },
});

export const adminSessionRoutes: readonly Route[] = [
  ofUser,
  ofTenant,
  revokeUser,
  revokeSession,
  revokeAll,
];
