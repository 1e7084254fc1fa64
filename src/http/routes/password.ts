import { z } from 'zod';
import { tokensSchema } from '../objects/people.ts';
import { type Route, route } from '../route.ts';
import { newPasswordField, passwordField } from './fields.ts';
import { REVOKED, revoked, statusOf } from './revoked.ts';
import { tokenAnswer, transportOf } from './tokens.ts';

const changePassword = route({
  method: 'POST',
  path: '/v1/password',
  name: 'password.change',
  group: 'Own session',
  summary: 'Change the own password',
  description: 'All other sessions of the user end; this one goes on with a new pair.',
  who: 'user',
  body: z.strictObject({ current_password: passwordField, new_password: newPasswordField }),
  responses: { 200: tokensSchema, 202: tokensSchema },
  errors: ['invalid_credentials', 'too_many_attempts'],
  async handle(call) {
    const { current_password, new_password } = call.body;
    const pair = await call.engine.logins.changePassword(
      call.caller,
      current_password,
      new_password,
    );
    const { revocation } = pair;
    return tokenAnswer(call, pair, transportOf(call), { status: statusOf(revocation), revocation });
  },
});

const resetPassword = route({
  method: 'POST',
  path: '/v1/password/reset',
  name: 'password.reset',
  group: 'Login',
  summary: 'Set a password with a one-time token',
  description: 'The token is used up, and all sessions of the user end.',
  who: 'anyone',
  body: z.strictObject({
    token: z.string().min(1).max(1024),
    new_password: newPasswordField,
  }),
  responses: REVOKED,
  errors: ['invalid_token', 'too_many_attempts'],
  async handle({ engine, body, context }) {
    const { revocation } = await engine.logins.resetPassword(
      body.token,
      body.new_password,
      context.origin,
    );
    return revoked(revocation);
  },
});

export const passwordRoutes: readonly Route[] = [changePassword, resetPassword];
