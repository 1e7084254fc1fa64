import { crossFieldErrors } from '../../tenant/policy.ts';
import { etagOf, expectedVersion } from '../etag.ts';
import { policyObjectSchema, policyStateOf, policyStateSchema } from '../objects/policy.ts';
import { revocationSchema } from '../objects/revocations.ts';
import { type Route, route } from '../route.ts';
import { alsoRevoked, statusOf } from './revoked.ts';

const changed = policyStateSchema.extend({ revocation: revocationSchema.optional() });

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
  responses: { 200: policyStateSchema },
  async handle({ engine, caller }) {
    const state = await engine.administration.getPolicy(caller);
    const headers = { etag: etagOf(state.version) };
    return { status: 200, body: policyStateOf(state), headers };
  },
});

const put = route({
  method: 'PUT',
  path: '/v1/admin/policy',
  name: 'admin.policy.put',
  group: 'Policy',
  summary: 'Replace the policy',
  description:
    'All of it; a missing field is 422. Takes effect at once, for existing sessions too where it is shorter. With `override_until` it holds until then, over the policy that is there for good, which is in force again from that moment on by itself; without it, it takes the place of both: to end an override early, put what `GET` shows under `after`. Time-outs that become longer for the 101st time in 40 days are 409 `conflict`, since all that came before are remembered: what expired under one of them stays so. Shorter ones, and changes of other fields, are always taken. `If-Match` is optional.',
  who: 'admin',
  body: wholePolicy,
  responses: { 200: changed, 202: changed },
  errors: ['precondition_failed', 'conflict'],
  async handle({ engine, caller, body, request }) {
    const { administration } = engine;
    const expected = await expectedVersion(
      request.headers.get('if-match'),
      async () => (await administration.getPolicy(caller)).version,
    );
    const { override_until, ...policy } = body;
    const untilMs = override_until === undefined ? null : Date.parse(override_until);
    const { revocation, ...state } = await administration.putPolicy(
      ...([caller, policy, expected, untilMs] as const),
    );
    return {
      status: statusOf(revocation),
      body: { ...policyStateOf(state), ...alsoRevoked(revocation) },
      headers: { etag: etagOf(state.version) },
    };
  },
});

export const adminPolicyRoutes: readonly Route[] = [get, put];
