import { SekishoError } from '../../errors.ts';
import { parsePolicy } from '../../tenant/policy.ts';
import type { Policy } from '../../tenant/types.ts';
import { createPolicyWrites } from '../admin-policy.ts';
import type { ChangedPolicy, VersionedPolicy } from '../contract.ts';
import { MAX_TRIES } from '../open.ts';
import { isRaced } from '../outcome-error.ts';
import { nowMs, type Services } from '../services.ts';
import type { OperatorPolicies } from './contract.ts';
import { operatorIn, tenantNamed } from './names.ts';

/** What takes the place of what is in force; `untilMs` null: for good. */
interface Next {
  readonly policy: Policy;
  readonly untilMs: number | null;
}

export function createOperatorPolicies(services: Services): OperatorPolicies {
  const { read, put } = createPolicyWrites(services);

  /** Puts what follows from the version that was read: what somebody else changes meanwhile is not put back. */
  async function change(
    tenant: string,
    ifVersion: number | null,
    nextOf: (before: VersionedPolicy) => Next,
  ): Promise<ChangedPolicy> {
    const { tid } = await tenantNamed(services, tenant);
    for (let tries = 1; ; tries += 1) {
      const before = await read(tid);
      const { policy, untilMs } = nextOf(before);
      try {
        return await put(operatorIn(tid), policy, ifVersion ?? before.version, untilMs);
      } catch (error) {
        if (!isRaced(error) || ifVersion !== null || tries === MAX_TRIES) throw error;
      }
    }
  }

  return {
    async getTenantPolicy(input) {
      return read((await tenantNamed(services, input.tenant)).tid);
    },

    setTenantPolicy: ({ tenant, set, ifVersion, forMs = null }) =>
      change(tenant, ifVersion, ({ policy, override }) => ({
        policy: parsePolicy(merged(policy, set)),
        // What holds for a while goes on to hold as long.
        untilMs: forMs === null ? (override?.untilMs ?? null) : nowMs(services) + forMs,
      })),

    endPolicyOverride: ({ tenant, ifVersion }) =>
      change(tenant, ifVersion, ({ override }) => {
        if (override === null) {
          throw new SekishoError(
            'not_found',
            'No override is in force: the policy holds for good.',
          );
        }
        return { policy: override.after, untilMs: null };
      }),
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
