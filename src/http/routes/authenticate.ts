import { z } from 'zod';
import { queryFlag, queryInteger } from '../query.ts';
import { type Answer, type Call, type Route, route } from '../route.ts';

const query = z.strictObject({
  role: z
    .string()
    .max(500)
    .regex(/^[a-z0-9_:.-]+(?:,[a-z0-9_:.-]+)*$/, 'must be a role, or several with commas between')
    .optional()
    .describe('The role that is needed; of several, any one.'),
  fresh: queryFlag().optional().describe('Exact: never answered within the tolerance.'),
  max_auth_age: queryInteger(0, 31_536_000)
    .optional()
    .describe('Seconds since the password was last given, at most.'),
});

/** The pipeline has judged the token by now; what the gateway asks beyond that is judged here, in one go. */
async function judge(
  call: Call<'gateway', never, z.infer<typeof query>, unknown>,
): Promise<Answer> {
  const { engine, presented, context, caller } = call;
  const { role, fresh, max_auth_age } = call.query;
  const asked = role !== undefined || fresh !== undefined || max_auth_age !== undefined;
  const session =
    asked && presented !== null
      ? await engine.authentication.authenticate(presented.token, {
          ...(role === undefined ? {} : { roles: role.split(',') }),
          ...(fresh === undefined ? {} : { fresh }),
          ...(max_auth_age === undefined ? {} : { maxAuthAgeSeconds: max_auth_age }),
          origin: context.origin,
        })
      : caller.session;
  return {
    status: 200,
    headers: {
      'x-sekisho-tenant': session.tenantId,
      'x-sekisho-user': session.userId,
      'x-sekisho-session': session.sessionId,
      'x-sekisho-roles': session.roles.join(','),
      // `stale`: judged within the tolerance, while the record could not be reached.
      'x-sekisho-freshness': session.freshness,
    },
  };
}

const shared = {
  method: 'ANY',
  group: 'Gateways and sockets',
  who: 'gateway',
  query,
  // A gateway may pass on the whole query of the request that it asks about.
  passesQuery: true,
  responses: { 200: null },
  errors: [
    'credentials_required',
    'invalid_token',
    'token_expired',
    'token_superseded',
    'session_revoked',
    'reauthentication_required',
    'insufficient_role',
    'origin_denied',
    'ambiguous_credentials',
    'insecure_transport',
  ],
  handle: judge,
} as const;

const authenticate = route({
  ...shared,
  path: '/v1/authenticate',
  name: 'authenticate',
  summary: 'Judge a request for a gateway',
  description:
    'Forward authentication for nginx, Envoy and Traefik: 200 with `X-Sekisho-Tenant`, `-User`, `-Session`, `-Roles` and `-Freshness` (`fresh`, or `stale` within the tolerance), or 401, 403, 503. The original method, for the check of the origin, comes from `X-Original-Method` or `X-Forwarded-Method` of a trusted proxy. Never cache the answer.',
});

const authenticateAny = route({
  ...shared,
  path: '/v1/authenticate/*',
  name: 'authenticate.path',
  summary: 'The same, with the original path behind it',
  description:
    'For gateways that put the path of the request that they ask about behind their own.',
});

export const authenticateRoutes: readonly Route[] = [authenticate, authenticateAny];
