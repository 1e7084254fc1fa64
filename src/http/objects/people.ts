import { z } from 'zod';
import type { ServiceClient, SessionRow } from '../../record/contract.ts';
import type { PasswordReset, TokenPair } from '../../session/contract.ts';
import type { Tenant, User } from '../../tenant/types.ts';
import { id, time, timeOf, timeOrNull } from './common.ts';
import { revocationSchema } from './revocations.ts';

/** Objects of the API: tenants, users, sessions, tokens, service clients. One schema each, and the function that makes it. */

export const tenantSchema = z
  .strictObject({
    id,
    slug: z.string().meta({ examples: ['acme'] }),
    name: z.string().meta({ examples: ['Acme Ltd'] }),
  })
  .meta({ id: 'Tenant' });

export function tenantOf({ tid, slug, name }: Tenant): z.infer<typeof tenantSchema> {
  return { id: tid, slug, name };
}

export const userSchema = z
  .strictObject({
    id,
    external_id: z.string().optional().describe("The application's own id of this person."),
    email: z.string().meta({ examples: ['yuki@acme.example'] }),
    name: z.string().meta({ examples: ['Yuki Mori'] }),
    roles: z.array(z.string()).meta({ examples: [['admin', 'member']] }),
    status: z.enum(['active', 'disabled']),
    created_at: time,
    last_login_at: time.nullable(),
  })
  .meta({ id: 'User' });

export function userOf(user: User): z.infer<typeof userSchema> {
  return {
    id: user.uid,
    ...(user.externalId === null ? {} : { external_id: user.externalId }),
    email: user.email,
    name: user.name,
    roles: [...user.roles],
    status: user.status,
    created_at: timeOf(user.createdAtMs),
    last_login_at: timeOrNull(user.lastLoginAtMs),
  };
}

export const sessionSchema = z
  .strictObject({
    id,
    user_id: id,
    device: z.strictObject({
      name: z
        .string()
        .nullable()
        .meta({ examples: ['Work laptop'] }),
      kind: z
        .string()
        .nullable()
        .meta({ examples: ['desktop'] }),
    }),
    ip: z
      .string()
      .nullable()
      .meta({ examples: ['192.0.2.7'] }),
    user_agent: z.string().nullable(),
    created_at: time,
    last_seen_at: time,
    expires_at: time.describe('The absolute end, under the policy as it is now.'),
    current: z.boolean().optional().describe('Whether this is the session that asks.'),
    state: z.enum(['active', 'expired', 'revoked']).optional().describe('To administrators.'),
  })
  .meta({ id: 'Session' });

/** @param currentSid the session that asks, where that is of interest. */
export function sessionOf(row: SessionRow, currentSid?: string): z.infer<typeof sessionSchema> {
  return {
    id: row.sid,
    user_id: row.uid,
    device: { name: row.deviceName, kind: row.deviceKind },
    ip: row.ip,
    user_agent: row.userAgent,
    created_at: timeOf(row.createdAtMs),
    last_seen_at: timeOf(row.lastSeenAtMs),
    expires_at: timeOf(row.expiresAtMs),
    ...(currentSid === undefined ? {} : { current: row.sid === currentSid }),
  };
}

/** As administrators see it. */
export function anySessionOf(row: SessionRow, currentSid: string): z.infer<typeof sessionSchema> {
  return { ...sessionOf(row, currentSid), state: row.state };
}

const token = z.string().meta({ examples: ['eyJhbGciOiJFUzI1NiIs…'] });

/** The answer of everything that ends in tokens. */
export const tokensSchema = z
  .strictObject({
    token_type: z.literal('Bearer'),
    access_token: token.optional().describe('Absent with `"transport": "cookie"`.'),
    expires_in: z
      .int()
      .describe('Seconds until the access token ends.')
      .meta({ examples: [300] }),
    refresh_token: z
      .string()
      .optional()
      .describe('Absent with `"transport": "cookie"`.')
      .meta({ examples: ['hQ2mZ7xW0rTn5bJ8cK1vYA.3sNq…'] }),
    refresh_expires_in: z
      .int()
      .describe("Seconds until the session's absolute end.")
      .meta({ examples: [86400] }),
    device_token: z
      .string()
      .optional()
      .describe(
        'At login by body: send it along next time, for an allowance of attempts of its own.',
      ),
    session: sessionSchema,
    user: userSchema,
    revocation: revocationSchema.optional(),
  })
  .meta({ id: 'Tokens' });

/** The part of `tokensSchema` that is no secret. */
export function pairOf(pair: TokenPair): z.infer<typeof tokensSchema> {
  return {
    token_type: 'Bearer',
    expires_in: pair.expiresInSeconds,
    refresh_expires_in: pair.refreshExpiresInSeconds,
    session: sessionOf(pair.session, pair.session.sid),
    user: userOf(pair.user),
  };
}

export const resetSchema = z
  .strictObject({
    token: z.string().describe('One-time; hand it to the user, in the fragment of a link.'),
    expires_at: time,
  })
  .meta({ id: 'PasswordReset' });

export function resetOf({ token, expiresAtMs }: PasswordReset): z.infer<typeof resetSchema> {
  return { token, expires_at: timeOf(expiresAtMs) };
}

export const clientSchema = z
  .strictObject({
    id,
    name: z.string().meta({ examples: ['billing'] }),
    created_at: time,
    last_used_at: time.nullable().describe('Within a minute.'),
    secret_created_at: time,
    secret_expires_at: time.nullable().describe('Null: without an end.'),
    previous_secret_expires_at: time
      .nullable()
      .describe('Up to when the secret before it is good, too.'),
  })
  .meta({ id: 'ServiceClient' });

export function clientOf(client: ServiceClient): z.infer<typeof clientSchema> {
  return {
    id: client.cid,
    name: client.name,
    created_at: timeOf(client.createdAtMs),
    last_used_at: timeOrNull(client.lastUsedAtMs),
    secret_created_at: timeOf(client.secretMadeAtMs),
    secret_expires_at: timeOrNull(client.secretEndsAtMs),
    previous_secret_expires_at: timeOrNull(client.oldSecretEndsAtMs),
  };
}
