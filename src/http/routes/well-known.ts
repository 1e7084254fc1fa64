import { z } from 'zod';
import { CLIENT_AUTH_METHODS } from '../client-credentials.ts';
import { type BaseCall, type Route, route } from '../route.ts';

/** Short against the overlap of signing keys, long against a flood of look-ups. Seconds. */
const KEYS_MAX_AGE = 300;

const CACHED = { 'cache-control': `public, max-age=${KEYS_MAX_AGE}` };

const jwks = route({
  method: 'GET',
  path: '/.well-known/jwks.json',
  name: 'jwks',
  group: 'Discovery',
  summary: 'Public keys of the access tokens',
  description:
    'A JWK Set (RFC 7517): keys in use, coming ones, and old ones until their last token has expired.',
  who: 'anyone',
  responses: { 200: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())) }) },
  async handle({ engine }) {
    const { keys } = await engine.jwks();
    return { status: 200, body: { keys }, headers: CACHED };
  },
});

const metadata = route({
  method: 'GET',
  path: '/.well-known/oauth-authorization-server',
  name: 'metadata',
  group: 'Discovery',
  summary: 'Metadata of the issuer',
  description: 'RFC 8414.',
  who: 'anyone',
  responses: {
    200: z.strictObject({
      issuer: z.string(),
      jwks_uri: z.string(),
      service_documentation: z.string(),
      response_types_supported: z.array(z.string()),
      grant_types_supported: z.array(z.string()),
      introspection_endpoint: z.string(),
      introspection_endpoint_auth_methods_supported: z.array(z.string()),
      revocation_endpoint: z.string(),
      revocation_endpoint_auth_methods_supported: z.array(z.string()),
    }),
  },
  async handle(call) {
    const base = baseOf(call);
    return {
      status: 200,
      body: {
        issuer: call.engine.issuer,
        jwks_uri: `${base}/.well-known/jwks.json`,
        service_documentation: `${base}/docs`,
        response_types_supported: [],
        grant_types_supported: [],
        introspection_endpoint: `${base}/oauth/introspect`,
        introspection_endpoint_auth_methods_supported: [...CLIENT_AUTH_METHODS],
        revocation_endpoint: `${base}/oauth/revoke`,
        revocation_endpoint_auth_methods_supported: [...CLIENT_AUTH_METHODS],
      },
      headers: CACHED,
    };
  },
});

/** Where the routes are to be found from outside: at the issuer, which no `Host` field can change. */
function baseOf({ engine, settings }: BaseCall): string {
  const origin = URL.canParse(engine.issuer) ? new URL(engine.issuer).origin : '';
  return origin + settings.basePath;
}

export const wellKnownRoutes: readonly Route[] = [jwks, metadata];
