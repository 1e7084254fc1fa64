import { SekishoError } from '../../errors.ts';
import { parsePolicy } from '../../tenant/policy.ts';
import { createPolicyWrites } from '../admin-policy.ts';
import { MAX_TRIES } from '../open.ts';
import { nowMs, type Services } from '../services.ts';
import type { OperatorPolicies } from './contract.ts';
import { operatorIn, tenantNamed } from './names.ts';

export function createOperatorPolicies(services: Services): OperatorPolicies {
  const { read, put } = createPolicyWrites(services);
  return {
    async getTenantPolicy(input) {
      return read((await tenantNamed(services, input.tenant)).tid);
    },

    async setTenantPolicy({ tenant, set, ifVersion, forMs = null }) {
      const { tid } = await tenantNamed(services, tenant);
      for (let tries = 1; ; tries += 1) {
        const { policy, version, override } = await read(tid);
        const next = parsePolicy(merged(policy, set));
        try {
          // Over the version that was read: what somebody else changes meanwhile is not put back.
          // What holds for a while goes on to hold as long.
          const kept = override?.untilMs ?? null;
          const untilMs = forMs === null ? kept : nowMs(services) + forMs;
          return await put(operatorIn(tid), next, ifVersion ?? version, untilMs);
        } catch (error) {
          const raced = error instanceof SekishoError && error.code === 'precondition_failed';
          if (!raced || ifVersion !== null || tries === MAX_TRIES) throw error;
        }
      }
    },
  };
}

/** `policy` with some fields replaced; `login_limit.max_wait` is one within another. */
function merged(policy: object, set: Readonly<Record<string, number | string>>): object {
  const next = structuredClone(policy) as Record<string, unknown>;
  for (const [path, value] of Object.entries(set)) {
    const [first = '', ...rest] = path.split('.');
    const [second] = rest;
    if (second === undefined) next[first] = value;
    else if (Object.hasOwn(next, first))
      next[first] = { ...(next[first] as object), [rest.join('.')]: value };
    else next[path] = value;
  }
  return next;
}
