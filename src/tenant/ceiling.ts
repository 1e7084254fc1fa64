import { z } from 'zod';
import { policySchema } from './policy.ts';

const { access_ttl, idle_timeout, absolute_timeout } = policySchema.shape;

/**
 * The longest lifetimes of all tenants for a while, in seconds; bounds are those of a policy. What is left out stays as each
 * policy has it.
 */
export const ceilingSchema = z
  .strictObject({
    access_ttl: access_ttl.optional(),
    idle_timeout: idle_timeout.optional(),
    absolute_timeout: absolute_timeout.optional(),
  })
  .refine((ceiling) => Object.values(ceiling).some((value) => value !== undefined), {
    message: 'must shorten something',
  });

export interface LifetimeCeiling {
  readonly access_ttl?: number;
  readonly idle_timeout?: number;
  readonly absolute_timeout?: number;
}

/** A ceiling, and up to when it is in force. */
export interface CeilingInForce {
  readonly value: LifetimeCeiling;
  readonly untilMs: number;
}

/**
 * Whether tokens or sockets may exist that outlive `next`: not those that were made under `before`, unless it allowed more,
 * or knows of a later end of their session than a longer spell of the same does.
 */
export function isLowered(before: CeilingInForce | null, next: CeilingInForce): boolean {
  if (before === null) return true;
  const { access_ttl, idle_timeout, absolute_timeout } = next.value;
  const lowered = (from: number | undefined, to: number | undefined): boolean =>
    to !== undefined && (from === undefined || to < from);
  return (
    lowered(before.value.access_ttl, access_ttl) ||
    lowered(before.value.idle_timeout, idle_timeout) ||
    lowered(before.value.absolute_timeout, absolute_timeout) ||
    (absolute_timeout !== undefined && next.untilMs > before.untilMs)
  );
}
