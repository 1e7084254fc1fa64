import { SekishoError } from '../errors.ts';
import type { TenantPolicy } from '../record/contract.ts';
import { parseOverrideEnd } from '../tenant/override.ts';
import { DEFAULT_POLICY, isShorter, parsePolicy } from '../tenant/policy.ts';
import type { Policy } from '../tenant/types.ts';
import { type Author, administratorOf, auditRowBy } from './author.ts';
import type { Administration, ChangedPolicy, VersionedPolicy } from './contract.ts';
import { noSuch } from './no-such.ts';
import { MAX_TRIES } from './open.ts';
import { isRaced } from './outcome-error.ts';
import { publish } from './publish.ts';
import { type Done, perform } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { reissueOfTenant } from './subjects.ts';

/** The tenant's policy. What it shortens takes effect at once, for sessions that exist too (A8, B13). */
export function createPolicyAdministration(
  services: Services,
): Pick<Administration, 'getPolicy' | 'putPolicy'> {
  const { read, put } = createPolicyWrites(services);
  return {
    getPolicy: (caller) => read(caller.session.tenantId),
    putPolicy: (caller, policy, ifVersion, overrideUntilMs) =>
      put(administratorOf(caller), policy, ifVersion, overrideUntilMs),
  };
}

/** Policies as they are read and replaced, whoever does it. */
export function createPolicyWrites(services: Services): {
  read(tid: string): Promise<VersionedPolicy>;
  put(
    author: Author,
    input: unknown,
    ifVersion: number | null,
    overrideUntilMs?: number | null,
  ): Promise<ChangedPolicy>;
} {
  const { tenants } = services.record;

  async function read(tid: string): Promise<VersionedPolicy> {
    const found = await tenants.policy(tid, nowMs(services));
    if (found === null) throw noSuch('tenant');
    return stateOf(found);
  }

  return {
    read,

    async put(author, input, ifVersion, overrideUntilMs = null) {
      const { tid, actor } = author;
      const policy = parsePolicy(input);
      const untilMs =
        overrideUntilMs === null ? null : parseOverrideEnd(overrideUntilMs, nowMs(services));
      for (let tries = 1; ; tries += 1) {
        const before = await read(tid);
        if (ifVersion !== null && ifVersion !== before.version) throw changedMeanwhile();
        const next = nextOf(before, policy, untilMs);
        const shorter = shortens(before, next);
        const ended = untilMs === null ? before.override : null;
        let done: Done;
        try {
          done = await perform(services, {
            actor,
            revoke: shorter ? [reissueOfTenant(tid)] : [],
            // Whether it shortens anything was judged against this version, so it must still be that one.
            change: {
              ...{ kind: 'policy_put', tid, policy },
              ...{ overrideUntilMs: untilMs, ifVersion: before.version },
            },
            reason: shorter ? 'policy_shortened' : null,
            audit: [
              auditRowBy(services, author, {
                action: 'policy_changed',
                subject: { kind: 'tenant', id: tid },
                detail: {
                  ...flat(policy),
                  ...(untilMs === null ? {} : { override_until: isoOf(untilMs) }),
                  // One that would have held until then, and was ended early.
                  ...(ended === null ? {} : { override_ended: isoOf(ended.untilMs) }),
                  shorter,
                },
              }),
            ],
          });
        } catch (error) {
          if (!isRaced(error) || ifVersion !== null || tries === MAX_TRIES) throw error;
          continue;
        }
        publish(services, 'policy.changed', tid, { tid });
        const version = done.committed?.version ?? before.version + 1;
        return { ...next, version, revocation: done.revocation };
      }
    },
  };
}

/** What is in force after a `PUT`: an override stands over what was there for good before. */
function nextOf(
  before: VersionedPolicy,
  policy: Policy,
  untilMs: number | null,
): Pick<VersionedPolicy, 'policy' | 'override'> {
  if (untilMs === null) return { policy, override: null };
  const after = before.override?.after ?? before.policy;
  return { policy, override: { untilMs, after } };
}

/**
 * Whether anything ends earlier by `next` than what was made by `before` knew: now, or at the end of an override. The end
 * that an override had when a token was made is in that token.
 */
function shortens(
  before: Pick<VersionedPolicy, 'policy' | 'override'>,
  next: Pick<VersionedPolicy, 'policy' | 'override'>,
): boolean {
  if (isShorter(before.policy, next.policy)) return true;
  if (before.override === null) return false;
  const { untilMs, after } = before.override;
  const nextUntilMs = next.override?.untilMs ?? Number.POSITIVE_INFINITY;
  // What would have followed does not, or not yet; or it does sooner.
  return nextUntilMs > untilMs
    ? isShorter(after, next.policy)
    : nextUntilMs < untilMs && isShorter(before.policy, after);
}

function stateOf(found: TenantPolicy): VersionedPolicy {
  const { policy, version, override } = found;
  return {
    policy: inOrder(policy),
    version,
    override: override === null ? null : { ...override, after: inOrder(override.after) },
  };
}

/** The record keeps the fields in an order of its own; people read them in the contract's. */
function inOrder(policy: Policy): Policy {
  const login_limit = { ...DEFAULT_POLICY.login_limit, ...policy.login_limit };
  return { ...DEFAULT_POLICY, ...policy, login_limit };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
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
