import { z } from 'zod';
import { SekishoError } from '../../errors.ts';
import type { ActiveToken, Engine } from '../../session/contract.ts';
import { presentedClientOf } from '../client-credentials.ts';
import { revocationSchema } from '../objects/revocations.ts';
import { type RawCall, type Route, route } from '../route.ts';
import { alsoRevoked, statusOf } from './revoked.ts';

/** What service clients of any language speak: forms, and the answers of OAuth. */

const form = z.strictObject({
  token: z
    .string()
    .describe('An access token or a refresh token.')
    .meta({ examples: ['eyJhbGciOiJFUzI1NiIs…'] }),
  token_type_hint: z
    .string()
    .optional()
    .describe('`access_token` or `refresh_token`. Taken for what it is, a hint.'),
  client_id: z
    .string()
    .optional()
    .describe('Where the client does not use `Authorization: Basic`.'),
  client_secret: z.string().optional().describe('The same.'),
});

/** What RFC 6749 wants a 400 for; the token may stand in the form alone, never in the URL. */
function requireFields({ headers, body }: RawCall): void {
  const fields = body as Readonly<Record<string, string>>;
  presentedClientOf(headers, fields);
  if (fields.token === undefined) {
    throw new SekishoError('invalid_request', 'The form lacks token.');
  }
}

const introspection = z
  .strictObject({
    active: z.boolean().describe('Alone when false, whatever the reason.'),
    token_use: z
      .enum(['access', 'refresh'])
      .optional()
      .describe('A refresh token is good for a refresh only: no service may take it for a login.'),
    token_type: z.literal('Bearer').optional().describe('Of an access token.'),
    client_id: z.string().optional(),
    sub: z.string().optional().describe('Id of the user.'),
    tid: z.string().optional().describe('Id of the tenant.'),
    sid: z.string().optional().describe('Id of the session.'),
    roles: z.array(z.string()).optional(),
    auth_time: z.int().optional().describe('When the user last gave the password.'),
    amr: z.array(z.string()).optional(),
    iss: z.string().optional(),
    aud: z.string().optional().describe('Of an access token.'),
    iat: z.int().optional(),
    exp: z.int().optional().describe('Of a refresh token: the absolute end of its session.'),
    jti: z.string().optional(),
    freshness: z
      .enum(['fresh', 'stale'])
      .optional()
      .describe('`stale`: judged within the tolerance, while the record could not be reached.'),
  })
  .meta({ id: 'Introspection' });

function introspectionOf(
  { audience }: Pick<Engine, 'audience'>,
  token: ActiveToken,
): z.infer<typeof introspection> {
  const { use } = token;
  return {
    active: true,
    token_use: use,
    ...(use === 'access' ? { token_type: 'Bearer', aud: audience } : {}),
    client_id: token.clientId,
    sub: token.uid,
    tid: token.tid,
    sid: token.sid,
    roles: [...token.roles],
    auth_time: token.authTimeSeconds,
    amr: [...token.amr],
    iss: token.issuer,
    ...(token.issuedAtSeconds === null ? {} : { iat: token.issuedAtSeconds }),
    exp: token.expiresAtSeconds,
    ...(token.jti === null ? {} : { jti: token.jti }),
    freshness: token.freshness,
  };
}

const shared = {
  method: 'POST',
  group: 'Service clients',
  who: 'client',
  body: form,
  // RFC 6749 section 3.2 passes over what it does not know.
  passesQuery: true,
  syntax: requireFields,
} as const;

const introspect = route({
  ...shared,
  path: '/oauth/introspect',
  name: 'oauth.introspect',
  summary: 'Ask whether a token is good',
  description:
    'RFC 7662. Of a token of another tenant, an unknown, expired, revoked or damaged one the answer is `{"active":false}` and nothing else. The answer holds for the moment: it is never to be kept.',
  responses: { 200: introspection },
  async handle({ engine, client, body }) {
    const token = await engine.clients.introspect(client, body.token);
    if (!token.active) return { status: 200, body: { active: false } };
    return {
      status: 200,
      body: introspectionOf(engine, token),
      headers: { 'x-sekisho-freshness': token.freshness },
    };
  },
});

const answer = z.strictObject({
  revocation: revocationSchema
    .optional()
    .describe('Where there was a session to end; absent for a token that is none of the client’s.'),
});

const revoke = route({
  ...shared,
  path: '/oauth/revoke',
  name: 'oauth.revoke',
  summary: 'End the session of a token',
  description:
    'RFC 7009. Ends the whole session, as a logout does: 200 when no node accepts any token of it any more, 202 while that is not known of all of them. Unknown and damaged tokens, and those of another tenant, are 200 and left alone.',
  responses: { 200: answer, 202: answer },
  errors: ['unsupported_token_type'],
  async handle({ engine, client, body, context }) {
    const { revocation } = await engine.clients.revokeToken(client, body.token, context.origin);
    return { status: statusOf(revocation), body: alsoRevoked(revocation) };
  },
});

export const oauthRoutes: readonly Route[] = [introspect, revoke];
