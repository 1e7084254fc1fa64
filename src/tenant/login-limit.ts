import { policySchema } from './policy.ts';
import type { LoginLimit } from './types.ts';

const { login_limit } = policySchema.shape;

/** Login limits of all tenants for a while; bounds are those of a policy. What is left out stays as each policy has it. */
export const limitOverrideSchema = login_limit
  .partial()
  .refine((limit) => Object.values(limit).some((value) => value !== undefined), {
    message: 'must tighten something',
  });

export type LimitOverride = Partial<LoginLimit>;

/** The tighter of both: fewer attempts, longer windows and waits. The same as sekisho.tighter_limit. */
export function tightened(limit: LoginLimit, override: LimitOverride | null): LoginLimit {
  if (override === null) return limit;
  return {
    account_attempts: Math.min(limit.account_attempts, override.account_attempts ?? Infinity),
    account_window: Math.max(limit.account_window, override.account_window ?? 0),
    address_attempts: Math.min(limit.address_attempts, override.address_attempts ?? Infinity),
    address_window: Math.max(limit.address_window, override.address_window ?? 0),
    max_wait: Math.max(limit.max_wait, override.max_wait ?? 0),
  };
}
