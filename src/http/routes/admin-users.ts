import { z } from 'zod';
import type { Caller } from '../../session/contract.ts';
import { etagOf, expectedVersion } from '../etag.ts';
import { listSchema } from '../objects/common.ts';
import { resetOf, resetSchema, userOf, userSchema } from '../objects/people.ts';
import { revocationSchema } from '../objects/revocations.ts';
import { pageFields, pageOf } from '../page.ts';
import { type BaseCall, type Route, route } from '../route.ts';
import { emailField, nameField, newPasswordField, rolesField } from './fields.ts';
import { alsoRevoked, REVOKED, revoked, statusOf } from './revoked.ts';

const changed = z.strictObject({
  user: userSchema,
  revocation: revocationSchema.optional(),
});

const resetAnswer = z.strictObject({ reset: resetSchema, revocation: revocationSchema });

/** The version that `If-Match` asks for. */
function versionAsked(call: BaseCall, caller: Caller, uid: string): Promise<number | null> {
  return expectedVersion(
    call.request.headers.get('if-match'),
    async () => (await call.engine.administration.getUser(caller, uid)).version,
  );
}

const list = route({
  method: 'GET',
  path: '/v1/admin/users',
  name: 'admin.users.list',
  group: 'Users',
  summary: 'Users of the tenant',
  description: 'Newest first.',
  who: 'admin',
  query: z.strictObject(pageFields),
  responses: { 200: listSchema('users', userSchema) },
  errors: ['invalid_cursor'],
  async handle({ engine, caller, query }) {
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => engine.administration.listUsers(caller, page),
      (user) => ({ atMs: user.createdAtMs, id: user.uid }),
    );
    return { status: 200, body: { users: rows.map(userOf), next_cursor: nextCursor } };
  },
});

const create = route({
  method: 'POST',
  path: '/v1/admin/users',
  name: 'admin.users.create',
  group: 'Users',
  summary: 'Make a user',
  description: 'Without a password the answer has a one-time token with which the user sets one.',
  who: 'admin',
  body: z.strictObject({
    email: emailField,
    password: newPasswordField.optional(),
    name: nameField.optional(),
    roles: rolesField.optional(),
  }),
  responses: { 201: z.strictObject({ user: userSchema, reset: resetSchema.optional() }) },
  errors: ['email_taken'],
  async handle({ engine, caller, body, settings }) {
    const { user, reset } = await engine.administration.createUser(caller, {
      email: body.email,
      password: body.password ?? null,
      name: body.name ?? null,
      roles: body.roles ?? null,
    });
    return {
      status: 201,
      body: { user: userOf(user), ...(reset === null ? {} : { reset: resetOf(reset) }) },
      headers: {
        location: `${settings.basePath}/v1/admin/users/${user.uid}`,
        etag: etagOf(user.version),
      },
    };
  },
});

const get = route({
  method: 'GET',
  path: '/v1/admin/users/{uid}',
  name: 'admin.users.get',
  group: 'Users',
  summary: 'One user',
  who: 'admin',
  params: { uid: 'user' },
  responses: { 200: z.strictObject({ user: userSchema }) },
  errors: ['not_found'],
  async handle({ engine, caller, params }) {
    const user = await engine.administration.getUser(caller, params.uid);
    return { status: 200, body: { user: userOf(user) }, headers: { etag: etagOf(user.version) } };
  },
});

const patch = route({
  method: 'PATCH',
  path: '/v1/admin/users/{uid}',
  name: 'admin.users.change',
  group: 'Users',
  summary: 'Change a user',
  description:
    'Disabling ends all sessions of the user. Changed roles apply at once, without logging out. `If-Match` is optional.',
  who: 'admin',
  params: { uid: 'user' },
  body: z.strictObject({
    name: nameField.optional(),
    roles: rolesField.optional(),
    status: z.enum(['active', 'disabled']).optional(),
  }),
  responses: { 200: changed, 202: changed },
  errors: ['not_found', 'precondition_failed', 'last_administrator'],
  async handle(call) {
    const { engine, caller, params, body } = call;
    const change = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.roles === undefined ? {} : { roles: body.roles }),
      ...(body.status === undefined ? {} : { status: body.status }),
    };
    const version = await versionAsked(call, caller, params.uid);
    const { user, revocation } = await engine.administration.patchUser(
      caller,
      params.uid,
      change,
      version,
    );
    return {
      status: statusOf(revocation),
      body: { user: userOf(user), ...alsoRevoked(revocation) },
      headers: { etag: etagOf(user.version) },
    };
  },
});

const remove = route({
  method: 'DELETE',
  path: '/v1/admin/users/{uid}',
  name: 'admin.users.delete',
  group: 'Users',
  summary: 'Delete a user',
  description: 'Ends all sessions of the user. `If-Match` is optional.',
  who: 'admin',
  params: { uid: 'user' },
  responses: REVOKED,
  errors: ['not_found', 'precondition_failed', 'last_administrator'],
  async handle(call) {
    const { engine, caller, params } = call;
    const version = await versionAsked(call, caller, params.uid);
    const { revocation } = await engine.administration.deleteUser(caller, params.uid, version);
    return revoked(revocation);
  },
});

const resetPassword = route({
  method: 'POST',
  path: '/v1/admin/users/{uid}/password-reset',
  name: 'admin.users.resetPassword',
  group: 'Users',
  summary: 'Make a one-time token for a new password',
  description: 'The old password is dead at once, and all sessions of the user end.',
  who: 'admin',
  params: { uid: 'user' },
  responses: { 200: resetAnswer, 202: resetAnswer },
  errors: ['not_found'],
  async handle({ engine, caller, params }) {
    const { reset, revocation } = await engine.administration.resetPassword(caller, params.uid);
    const { status, body } = revoked(revocation);
    return { status, body: { reset: resetOf(reset), ...body } };
  },
});

export const adminUserRoutes: readonly Route[] = [list, create, get, patch, remove, resetPassword];
