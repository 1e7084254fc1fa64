import { z } from 'zod';
import { type FieldError, pointerTo, SekishoError } from '../errors.ts';
import { MAX_ACCESS_TTL_MS } from '../revocation/constants.ts';
import type { Policy } from './types.ts';

/** Longest life of an access token, seconds. Verifiers refuse longer ones (FORGET rests on it). */
export const MAX_ACCESS_TTL = MAX_ACCESS_TTL_MS / 1000;

/** Longest life of a session, seconds: 30 days (NIST SP 800-63B-4, AAL1). */
const MAX_ABSOLUTE_TIMEOUT = 30 * 86_400;

/** What a login above the device cap does. */
const ON_SESSION_LIMIT = ['revoke_oldest', 'reject'] as const;

/** What a number may be, both ends included. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Bounds of every number of a policy, by the name under which it is set; durations in seconds. */
export const POLICY_BOUNDS = Object.freeze({
  access_ttl: { least: 30, most: MAX_ACCESS_TTL },
  idle_timeout: { least: 30, most: MAX_ABSOLUTE_TIMEOUT },
  absolute_timeout: { least: 30, most: MAX_ABSOLUTE_TIMEOUT },
  refresh_grace: { least: 0, most: 60 },
  max_sessions_per_user: { least: 1, most: 1000 },
  'login_limit.account_attempts': { least: 1, most: 100 },
  'login_limit.account_window': { least: 10, most: 86_400 },
  'login_limit.address_attempts': { least: 1, most: 100_000 },
  'login_limit.address_window': { least: 10, most: 86_400 },
  'login_limit.max_wait': { least: 1, most: 3600 },
} as const satisfies Readonly<Record<string, Bounds>>);

const whole = ({ least, most }: Bounds) => {
  const words = `must be a whole number, ${least} to ${most}`;
  return z.int(words).min(least, words).max(most, words);
};

/**
 * A tenant's policy as it stands in `PUT /v1/admin/policy`; durations in seconds. All fields are asked for, and no others.
 * Whoever parses with it must also apply `crossFieldErrors`; `parsePolicy` does both.
 */
export const policySchema = z.strictObject({
  access_ttl: whole(POLICY_BOUNDS.access_ttl).describe(
    'How long an access token lives; at most `idle_timeout`.',
  ),
  idle_timeout: whole(POLICY_BOUNDS.idle_timeout).describe(
    'Without an authenticated request for so long a session ends: it cannot be refreshed any more. The access token that it has lives to its own end.',
  ),
  absolute_timeout: whole(POLICY_BOUNDS.absolute_timeout).describe(
    'It ends after that in any case.',
  ),
  refresh_grace: whole(POLICY_BOUNDS.refresh_grace).describe(
    'How long a repeated refresh gets the same answer; the time does not begin anew.',
  ),
  max_sessions_per_user: whole(POLICY_BOUNDS.max_sessions_per_user).describe('The device cap.'),
  on_session_limit: z
    .enum(ON_SESSION_LIMIT, `must be ${ON_SESSION_LIMIT.join(' or ')}`)
    .describe('What a login above the cap does: end the oldest session, or be refused.'),
  login_limit: z.strictObject({
    account_attempts: whole(POLICY_BOUNDS['login_limit.account_attempts']).describe(
      'Failed logins of one e-mail address before waits begin; they double from 1 s.',
    ),
    account_window: whole(POLICY_BOUNDS['login_limit.account_window']).describe(
      'How long an attempt counts.',
    ),
    address_attempts: whole(POLICY_BOUNDS['login_limit.address_attempts']).describe(
      'The same by IP address.',
    ),
    address_window: whole(POLICY_BOUNDS['login_limit.address_window']).describe(
      'The same by IP address.',
    ),
    max_wait: whole(POLICY_BOUNDS['login_limit.max_wait']).describe('The longest wait.'),
  }),
});

/** What a tenant begins with: NIST's AAL2 (24 h overall, 1 h idle). */
export const DEFAULT_POLICY: Policy = Object.freeze({
  access_ttl: 300,
  idle_timeout: 3600,
  absolute_timeout: 86_400,
  refresh_grace: 10,
  max_sessions_per_user: 10,
  on_session_limit: 'revoke_oldest',
  login_limit: Object.freeze({
    account_attempts: 10,
    account_window: 900,
    address_attempts: 300,
    address_window: 900,
    max_wait: 900,
  }),
});

/**
 * Reads a whole policy from outside.
 *
 * @throws SekishoError `validation_failed` with one `{ pointer, detail }` for each thing that is wrong: a value out of
 *   bounds, of another type, a field that is missing or unknown, an idle time-out above the absolute one.
 */
export function parsePolicy(input: unknown): Policy {
  const parsed = policySchema.safeParse(input);
  const errors = parsed.success
    ? crossFieldErrors(parsed.data)
    : parsed.error.issues.flatMap((issue) => toFieldErrors(issue, input));
  if (!parsed.success || errors.length > 0) {
    throw new SekishoError('validation_failed', 'The policy is not valid.', { errors });
  }
  return Object.freeze({ ...parsed.data, login_limit: Object.freeze(parsed.data.login_limit) });
}

/** The bounds between fields, which a schema of single fields cannot say. */
export function crossFieldErrors(policy: Policy): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (policy.access_ttl > policy.idle_timeout) {
    errors.push({ pointer: '/access_ttl', detail: 'must be at most idle_timeout' });
  }
  if (policy.idle_timeout > policy.absolute_timeout) {
    errors.push({ pointer: '/idle_timeout', detail: 'must be at most absolute_timeout' });
  }
  return errors;
}

/**
 * Whether `next` ends anything earlier than `before` for sessions that exist. Then the change is committed with a
 * `reissue` of the tenant, so that tokens and sockets of the longer policy do not outlive it.
 */
export function isShorter(before: Policy, next: Policy): boolean {
  return (
    next.access_ttl < before.access_ttl ||
    next.idle_timeout < before.idle_timeout ||
    next.absolute_timeout < before.absolute_timeout
  );
}

function toFieldErrors(issue: z.core.$ZodIssue, input: unknown): readonly FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointerTo([...issue.path, key]),
      detail: 'is not a known field',
    }));
  }
  const missing = issue.path.length > 0 && valueAt(input, issue.path) === undefined;
  return [{ pointer: pointerTo(issue.path), detail: missing ? 'is missing' : issue.message }];
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? Reflect.get(value, part)
        : undefined,
    input,
  );
}
