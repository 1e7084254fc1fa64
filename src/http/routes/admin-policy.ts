import { z } from 'zod';
import { crossFieldErrors } from '../../tenant/policy.ts';
import { etagOf, expectedVersion } from '../etag.ts';
import { policyObjectSchema, revocationSchema } from '../objects.ts';
import { type Route, route } from '../route.ts';
import { alsoRevoked, statusOf } from './revoked.ts';

const changed = z.strictObject({
  policy: policyObjectSchema,
  revocation: revocationSchema.optional(),
});

/** With the bounds between fields. */
const wholePolicy = policyObjectSchema.superRefine((policy, context) => {
  for (const { pointer, detail } of crossFieldErrors(policy)) {
    context.addIssue({ code: 'custom', path: pointer.split('/').slice(1), message: detail });
  }
});

const get = route({
  method: 'GET',
  path: '/v1/admin/policy',
  name: 'admin.policy.get',
  group: 'Policy',
  summary: 'The policy of the tenant',
  who: 'admin',
  responses: { 200: z.strictObject({ policy: policyObjectSchema }) },
  async handle({ engine, caller }) {
    const { policy, version } = await engine.administration.getPolicy(caller);
    return { status: 200, body: { policy }, headers: { etag: etagOf(version) } };
  },
});

const put = route({
  method: 'PUT',
  path: '/v1/admin/policy',
  name: 'admin.policy.put',
  group: 'Policy',
  summary: 'Replace the policy',
  description:
    'All of it; a missing field is 422. Takes effect at once, for existing sessions too where it is shorter. `If-Match` is optional.',
  who: 'admin',
  body: wholePolicy,
  responses: { 200: changed, 202: changed },
  errors: ['precondition_failed'],
  async handle({ engine, caller, body, request }) {
    const { administration } = engine;
    const expected = await expectedVersion(
      request.headers.get('if-match'),
      async () => (await administration.getPolicy(caller)).version,
    );
    const { policy, version, revocation } = await administration.putPolicy(caller, body, expected);
    return {
      status: statusOf(revocation),
      body: { policy, ...alsoRevoked(revocation) },
      headers: { etag: etagOf(version) },
    };
  },
});

export const adminPolicyRoutes: readonly Route[] = [get, put];
