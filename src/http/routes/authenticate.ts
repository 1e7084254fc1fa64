import { z } from 'zod';
import { SekishoError } from '../../errors.ts';
import { isUnsafe, requireOwnOrigin } from '../csrf.ts';
import { queryFlag, queryInteger } from '../query.ts';
import { type Answer, type BaseCall, type Route, route } from '../route.ts';

const query = z.strictObject({
  role: z
    .string()
    .regex(/^[a-z0-9_:.,-]{1,500}$/, 'must be a role, or several with commas between')
    .optional()
    .describe('The role that is needed; of several, any one.'),
  fresh: queryFlag().optional().describe('Exact: never answered within the tolerance.'),
  max_auth_age: queryInteger(0, 31_536_000)
    .optional()
    .describe('Seconds since the password was last given, at most.'),
});

/**
 * The method of the request that the gateway asks about. From a trusted proxy that is what it says; from anybody else a
 * header can only make the check stricter.
 */
function isUnsafeOriginal({ request, context }: BaseCall): boolean {
  const said =
    request.headers.get('x-original-method') ?? request.headers.get('x-forwarded-method');
  if (said === null) return isUnsafe(request.method);
  return isUnsafe(said) || (!context.fromTrustedProxy && isUnsafe(request.method));
}

async function judge(call: BaseCall & { readonly query: z.infer<typeof query> }): Promise<Answer> {
  const { engine, presented, request, context, settings } = call;
  const { role, fresh, max_auth_age } = call.query;
  if (call.credentials.hasCookies && isUnsafeOriginal(call)) {
    requireOwnOrigin(request.headers, context, settings.allows);
  }
  if (presented === null) {
    throw new SekishoError('credentials_required', 'Log in first.');
  }
  const session = await engine.authentication.authenticate(presented.token, {
    ...(role === undefined ? {} : { roles: role.split(',').filter((one) => one !== '') }),
    ...(fresh === undefined ? {} : { fresh }),
    ...(max_auth_age === undefined ? {} : { maxAuthAgeSeconds: max_auth_age }),
    origin: context.origin,
  });
  return {
    status: 200,
    headers: {
      'x-sekisho-tenant': session.tenantId,
      'x-sekisho-user': session.userId,
      'x-sekisho-session': session.sessionId,
      'x-sekisho-roles': session.roles.join(','),
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
    'Forward authentication for nginx, Envoy and Traefik: 200 with `X-Sekisho-Tenant`, `-User`, `-Session` and `-Roles`, or 401, 403, 503. The original method, for the check of the origin, comes from `X-Original-Method` or `X-Forwarded-Method` of a trusted proxy. Never cache the answer.',
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
