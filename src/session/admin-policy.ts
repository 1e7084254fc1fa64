import { SekishoError } from '../errors.ts';
import { DEFAULT_POLICY, isShorter, parsePolicy } from '../tenant/policy.ts';
import type { Policy } from '../tenant/types.ts';
import { type Author, administratorOf, auditRowBy } from './author.ts';
import type { Administration, Revocation } from './contract.ts';
import { MAX_TRIES } from './open.ts';
import { publish } from './publish.ts';
import { type Done, perform } from './revoke.ts';
import type { Services } from './services.ts';
import { reissueOfTenant } from './subjects.ts';

/** The tenant's policy. What it shortens takes effect at once, for sessions that exist too (A8, B13). */
export function createPolicyAdministration(
  services: Services,
): Pick<Administration, 'getPolicy' | 'putPolicy'> {
  const { read, put } = createPolicyWrites(services);
  return {
    getPolicy: (caller) => read(caller.session.tenantId),
    putPolicy: (caller, policy, ifVersion) => put(administratorOf(caller), policy, ifVersion),
  };
}

interface VersionedPolicy {
  readonly policy: Policy;
  readonly version: number;
}

/** Policies as they are read and replaced, whoever does it. */
export function createPolicyWrites(services: Services): {
  read(tid: string): Promise<VersionedPolicy>;
  put(
    author: Author,
    input: unknown,
    ifVersion: number | null,
  ): Promise<VersionedPolicy & { readonly revocation: Revocation | null }>;
} {
  const { tenants } = services.record;

  async function read(tid: string): Promise<VersionedPolicy> {
    const found = await tenants.policy(tid);
    if (found === null) throw new SekishoError('not_found', 'There is no such tenant.');
    return { ...found, policy: inOrder(found.policy) };
  }

  return {
    read,

    async put(author, input, ifVersion) {
      const { tid, actor } = author;
      const policy = parsePolicy(input);
      for (let tries = 1; ; tries += 1) {
        const before = await read(tid);
        if (ifVersion !== null && ifVersion !== before.version) throw changedMeanwhile();
        const shorter = isShorter(before.policy, policy);
        let done: Done;
        try {
          done = await perform(services, {
            actor,
            revoke: shorter ? [reissueOfTenant(tid)] : [],
            // Whether it shortens anything was judged against this version, so it must still be that one.
            change: { kind: 'policy_put', tid, policy, ifVersion: before.version },
            reason: shorter ? 'policy_shortened' : null,
            audit: [
              auditRowBy(services, author, {
                action: 'policy_changed',
                subject: { kind: 'tenant', id: tid },
                detail: { ...flat(policy), shorter },
              }),
            ],
          });
        } catch (error) {
          const raced = error instanceof SekishoError && error.code === 'precondition_failed';
          if (raced && ifVersion === null && tries < MAX_TRIES) continue;
          throw error;
        }
        publish(services, 'policy.changed', tid, { tid });
        const version = done.committed?.version ?? before.version + 1;
        return { policy, version, revocation: done.revocation };
      }
    },
  };
}

/** The record keeps the fields in an order of its own; people read them in the contract's. */
function inOrder(policy: Policy): Policy {
  const login_limit = { ...DEFAULT_POLICY.login_limit, ...policy.login_limit };
  return { ...DEFAULT_POLICY, ...policy, login_limit };
}

function changedMeanwhile(): SekishoError {
  return new SekishoError('precondition_failed', 'The policy has changed since it was read.');
}

function flat(policy: object): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(policy).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one as string | number])
        : [[name, value as string | number]],
    ),
  );
}
