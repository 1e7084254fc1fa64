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
