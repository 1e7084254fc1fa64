import { z } from 'zod';
import {
  sessionOf,
  sessionSchema,
  tenantOf,
  tenantSchema,
  tokensSchema,
  userOf,
  userSchema,
} from '../objects/people.ts';
import { type Route, route } from '../route.ts';
import { passwordField } from './fields.ts';
import { statusOf } from './revoked.ts';
import { tokenAnswer, transportOf } from './tokens.ts';

const current = route({
  method: 'GET',
  path: '/v1/session',
  name: 'session.get',
  group: 'Own session',
  summary: 'Who am I',
  who: 'user',
  responses: {
    200: z.strictObject({
      tenant: tenantSchema,
      user: userSchema,
      session: sessionSchema,
      roles: z.array(z.string()).describe('Those in the access token.'),
      freshness: z
        .enum(['fresh', 'stale'])
        .describe('`stale`: judged within the tolerance, while the record could not be reached.'),
    }),
  },
  async handle({ engine, caller }) {
    const { tenant, user, session } = await engine.ownSessions.current(caller);
    const { roles, freshness, sessionId } = caller.session;
    return {
      status: 200,
      body: {
        tenant: tenantOf(tenant),
        user: userOf(user),
        session: sessionOf(session, sessionId),
        roles: [...roles],
        freshness,
      },
    };
  },
});

const reauthenticate = route({
  method: 'POST',
  path: '/v1/reauthenticate',
  name: 'reauthenticate',
  group: 'Own session',
  summary: 'Give the password again',
  description:
    'For routes that want a recent proof of who it is (`reauthentication_required`). The session goes on with a new pair; its older tokens are superseded.',
  who: 'user',
  body: z.strictObject({ password: passwordField }),
  responses: { 200: tokensSchema, 202: tokensSchema },
  errors: ['invalid_credentials', 'too_many_attempts'],
  async handle(call) {
    const pair = await call.engine.logins.reauthenticate(call.caller, call.body.password);
    const { revocation } = pair;
    return tokenAnswer(call, pair, transportOf(call), { status: statusOf(revocation), revocation });
  },
});

export const sessionRoutes: readonly Route[] = [current, reauthenticate];
