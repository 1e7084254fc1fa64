import { z } from 'zod';
import type { VersionedPolicy } from '../../session/contract.ts';
import { policySchema } from '../../tenant/policy.ts';
import { timeOf } from './common.ts';

/** Objects of the API: a tenant’s policy, and what overrides it for a while. */

export const policyObjectSchema = policySchema
  .extend({
    override_until: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('Up to when it is in force; without it, for good. Ahead by 30 days at most.')
      .meta({ examples: ['2026-11-21T18:00:00.000Z'] }),
  })
  .meta({ id: 'Policy' });

export const policyStateSchema = z.strictObject({
  policy: policyObjectSchema,
  after: policySchema
    .meta({ id: 'LastingPolicy' })
    .optional()
    .describe('What is in force from `override_until` on.'),
});

export function policyStateOf({
  policy,
  override,
}: Pick<VersionedPolicy, 'policy' | 'override'>): z.infer<typeof policyStateSchema> {
  if (override === null) return { policy };
  const { untilMs, after } = override;
  return { policy: { ...policy, override_until: timeOf(untilMs) }, after };
}
