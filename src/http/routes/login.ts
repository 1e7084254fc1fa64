import { z } from 'zod';
import { type ErrorCode, isSekishoError, SekishoError } from '../../errors.ts';
import type { SessionRow } from '../../record/contract.ts';
import { clearTokens } from '../cookies.ts';
import { requireCookieTransport } from '../credentials.ts';
import { sessionOf, tokensSchema } from '../objects/people.ts';
import { revokedSchema } from '../objects/revocations.ts';
import { HttpError } from '../problem.ts';
import { type BaseCall, type RawCall, type Route, route } from '../route.ts';
import { anyEmailField, nameField, passwordField } from './fields.ts';
import { revoked } from './revoked.ts';
import { tokenAnswer } from './tokens.ts';

/** As many as a policy can allow. */
const MAX_SESSIONS = 1000;
const idText = z.string().min(1).max(64);

const transportField = z
  .enum(['body', 'cookie'])
  .optional()
  .describe('How tokens travel back. Default `body`; with `cookie` none stands in the body.');

const deviceField = z
  .union([nameField, z.strictObject({ name: nameField.optional(), kind: nameField.optional() })])
  .optional()
  .describe('How the list of sessions calls this device: a name, or name and kind.')
  .meta({ examples: [{ name: 'Work laptop', kind: 'desktop' }] });

const endSessionField = z
  .union([idText, z.array(idText).min(1).max(MAX_SESSIONS)])
  .optional()
  .describe(
    'Which session is to end where the device cap would refuse, or several (a policy may have lowered the cap). As many end as it takes, in this order, and none while there is room; one that is not an active session of this user counts for nothing.',
  );

const refreshTokenField = z.string().min(1).max(1024).optional();

const login = route({
  method: 'POST',
  path: '/v1/login',
  name: 'login',
  group: 'Login',
  summary: 'Log in on a device',
  description:
    'Unknown, wrong and disabled are one answer. Attempts are limited by account and by address; an attempt from a known device (`device_token`, or its cookie) has an allowance of its own. Where the device cap refuses (`session_limit_reached`), repeat the login with the `id` of one of the listed `sessions` as `end_session`, or with a list of as many as `sessions_to_end` says where the policy has lowered the cap: those end and this one begins, all or nothing, and the answer comes when no node accepts the ended one any more (`revocation`). `tenant_suspended`: the credentials are right, but nobody of this tenant gets in at present.',
  who: 'anyone',
  body: z.strictObject({
    tenant: z
      .string()
      .min(1)
      .max(63)
      .describe('Slug.')
      .meta({ examples: ['acme'] }),
    email: anyEmailField,
    password: passwordField,
    device: deviceField,
    device_token: z.string().min(1).max(1024).optional(),
    end_session: endSessionField,
    transport: transportField,
  }),
  responses: { 200: tokensSchema },
  errors: [
    'invalid_credentials',
    'origin_denied',
    'session_limit_reached',
    'tenant_suspended',
    'too_many_attempts',
    'insecure_transport',
  ],
  syntax: requireTransport,
  async handle(call) {
    const { tenant, email, password, device, device_token, transport = 'body' } = call.body;
    const { end_session: endSession } = call.body;
    const given = typeof device === 'string' ? { name: device } : device;
    const deviceToken = device_token ?? call.credentials.deviceCookie;
    const named =
      given === undefined ? null : { name: given.name ?? null, kind: given.kind ?? null };
    const result = await call.engine.logins
      .login(
        {
          ...{ tenant, email, password, device: named, deviceToken },
          ...(endSession === undefined ? {} : { endSession }),
        },
        call.context.origin,
      )
      .catch((error: unknown) => {
        throw withSessions(error);
      });
    const { revocation } = result;
    return tokenAnswer(call, result, transport, { deviceToken: result.deviceToken, revocation });
  },
});

const refresh = route({
  method: 'POST',
  path: '/v1/refresh',
  name: 'refresh',
  group: 'Login',
  summary: 'Exchange the refresh token for a new pair',
  description:
    'A repeat within the grace window gives the same successor, and so does the last used token after it, as long as nothing shows that its answer arrived. Any other use of a used token is taken for theft and ends the session. `token_superseded`: the password was given again a moment ago, and the new pair is what counts. A token that came by cookie is answered by cookie.',
  who: 'holder',
  body: z.strictObject({ refresh_token: refreshTokenField, transport: transportField }),
  responses: { 200: tokensSchema },
  errors: [
    'credentials_required',
    'invalid_refresh_token',
    'token_superseded',
    'session_revoked',
    'session_expired',
    'too_many_attempts',
    'ambiguous_credentials',
    'insecure_transport',
  ],
  syntax(call) {
    requireTransport(call);
    requireOneRefreshToken(call);
  },
  async handle(call) {
    const { refreshCookie } = call.credentials;
    const token = call.body.refresh_token ?? refreshCookie;
    if (token === null) {
      throw new SekishoError('credentials_required', 'Send the refresh token.');
    }
    const byCookie = refreshCookie !== null;
    if (byCookie && call.body.transport === 'body') {
      // It would hand a script what HttpOnly keeps from it.
      throw new SekishoError('validation_failed', 'Tokens that came by cookie stay in cookies.', {
        errors: [{ pointer: '/transport', detail: 'must be cookie, as the token came' }],
      });
    }
    const pair = await call.engine.logins
      .refresh(token, call.context.origin)
      .catch((error: unknown) => {
        throw withoutDeadCookies(call, error);
      });
    return tokenAnswer(call, pair, byCookie ? 'cookie' : (call.body.transport ?? 'body'));
  },
});

const logout = route({
  method: 'POST',
  path: '/v1/logout',
  name: 'logout',
  group: 'Login',
  summary: 'End the session',
  description:
    'With the access token or the refresh token; also when they have expired or the session has ended already. The answer comes when no node accepts the session any more; 202 when that is not known of all nodes yet.',
  who: 'holder',
  body: z.strictObject({ refresh_token: refreshTokenField }),
  responses: { 202: revokedSchema, 204: null },
  errors: ['credentials_required', 'invalid_token', 'ambiguous_credentials', 'insecure_transport'],
  syntax: requireOneRefreshToken,
  async handle(call) {
    const presented = {
      accessToken: call.presented?.token ?? null,
      refreshToken: call.body.refresh_token ?? call.credentials.refreshCookie,
    };
    const { revocation } = await call.engine.logins
      .logout(presented, call.context.origin)
      .catch((error: unknown) => {
        throw withoutDeadCookies(call, error);
      });
    const clear = call.settings.clearSiteData
      ? // Not "cookies": that would take the device cookie, and everybody else's of this site.
        { 'clear-site-data': '"cache", "storage"' }
      : {};
    const cookies = call.credentials.hasCookies ? clearTokens(call.cookieNames) : [];
    const pending = revocation !== null && revocation.barrier.effective === 'pending';
    const answer = pending ? revoked(revocation) : { status: 204 };
    return { ...answer, headers: clear, cookies };
  },
});

/** The sessions of `session_limit_reached` as the API shows them. */
function withSessions(error: unknown): unknown {
  if (!isSekishoError(error) || error.code !== 'session_limit_reached') return error;
  const rows = (error.members?.sessions ?? []) as readonly SessionRow[];
  const members = { ...error.members, sessions: rows.map((row) => sessionOf(row)) };
  const { proven } = error;
  return new SekishoError(error.code, error.message, { members, ...(proven && { proven }) });
}

/** 400 where cookies are asked for and cannot travel safely. */
function requireTransport({ body, context, settings }: RawCall): void {
  const asked = typeof body === 'object' && body !== null && 'transport' in body;
  if (asked && body.transport === 'cookie') {
    requireCookieTransport(context, settings.allowHttpCookies);
  }
}

function requireOneRefreshToken({ body, credentials, context, settings }: RawCall): void {
  if (credentials.refreshCookie === null) return;
  if (typeof body === 'object' && body !== null && 'refresh_token' in body) {
    throw new SekishoError(
      'ambiguous_credentials',
      'Send the refresh token in the body or as a cookie, not both.',
    );
  }
  requireCookieTransport(context, settings.allowHttpCookies);
}

/** Refusals after which the presented cookies can never work again. */
const DEAD = new Set<ErrorCode>([
  'credentials_required',
  'invalid_refresh_token',
  'session_revoked',
  'session_expired',
]);

/** Takes back cookies that can never work again; a browser would send them for ever. */
function withoutDeadCookies(call: BaseCall, error: unknown): unknown {
  if (!call.credentials.hasCookies || !isSekishoError(error) || !DEAD.has(error.code)) return error;
  return new HttpError(error.code, error.message, {}, clearTokens(call.cookieNames), error.proven);
}

export const loginRoutes: readonly Route[] = [login, refresh, logout];
