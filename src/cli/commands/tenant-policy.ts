import type { ChangedPolicy, VersionedPolicy } from '../../session/contract.ts';
import { MAX_OVERRIDE_MS } from '../../tenant/override.ts';
import type { Policy } from '../../tenant/types.ts';
import {
  type Call,
  type Command,
  duration,
  integer,
  many,
  type Option,
  operand,
  wantsJson,
  yesOption,
} from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit.ts';
import { actOptions, reachOptions, withOperator } from '../operator.ts';
import { isoOf, print, timeOf } from '../output.ts';
import { revocationExit, revocationJson, revokedLine } from '../revoking.ts';
import { policyFieldsOf, shortened } from './policy-fields.ts';

export const tenantPolicyGet: Command = {
  name: 'tenant policy get',
  operands: ['SLUG'],
  summary: 'Shows the policy of a tenant.',
  description: ['Time spans are seconds. What holds for a while is shown with its end.'],
  options: reachOptions,
  examples: ['sekisho tenant policy get skyline', 'sekisho tenant policy get skyline --json'],
  async run(call) {
    const { policy, version, override } = await withOperator(call, (operator) =>
      operator.getTenantPolicy({ tenant: operand(call, 0) }),
    );
    print(wantsJson(call), { policy, version, ...overrideJson(override) }, [
      ...linesOf(policy),
      `version  ${version}`,
      ...overrideLines(override),
    ]);
    return EXIT.done;
  },
};

const ifVersionOption: Option = {
  name: 'if-version',
  value: 'N',
  help: 'only when the policy still is of this version (policy get shows it)',
};

export const tenantPolicySet: Command = {
  name: 'tenant policy set',
  operands: ['SLUG'],
  summary: 'Replaces fields of a tenant’s policy, at once and for sessions that exist too.',
  description: [
    'A time span is such as 90s, 15m, 2h or 1d, or bare seconds. Where one becomes shorter, tokens of the longer one are superseded: clients refresh, nobody is logged out by that; sessions that are older, or idle for longer, than idle_timeout and absolute_timeout then allow end, and that is asked first. A field that is not named stays as it is. With --for it holds for that long, and what was there for good before is in force again by itself afterwards, or at once by policy end-override. Without --for, what holds for a while goes on to hold as long.',
  ],
  options: [
    {
      name: 'set',
      value: 'FIELD=VALUE',
      help: 'a field and its value, such as access_ttl=5m; required',
      repeats: true,
    },
    { name: 'for', value: 'TIME', help: 'only for so long, such as 2h; at most 30d' },
    ifVersionOption,
    yesOption,
    ...actOptions,
  ],
  examples: [
    'sekisho tenant policy set skyline --set access_ttl=2m',
    'sekisho tenant policy set skyline --set max_sessions_per_user=3 --set on_session_limit=reject',
    'sekisho tenant policy set skyline --set idle_timeout=10m --set access_ttl=2m --for 2h --yes',
    'sekisho tenant policy set skyline --set login_limit.max_wait=5m --json',
  ],
  async run(call) {
    const tenant = operand(call, 0);
    const set = policyFieldsOf(many(call, 'set'));
    const ifVersion = ifVersionOf(call);
    const seconds = duration(call, 'for', { least: 1, most: MAX_OVERRIDE_MS / 1000 });
    const forMs = seconds === null ? null : seconds * 1000;
    const changed = await withOperator(call, async (operator) => {
      const { policy } = await operator.getTenantPolicy({ tenant });
      await confirmShorter(call, tenant, shortened(policy, set));
      return operator.setTenantPolicy({ tenant, set, ifVersion, forMs });
    });
    return told(call, changed);
  },
};

export const tenantPolicyEndOverride: Command = {
  name: 'tenant policy end-override',
  operands: ['SLUG'],
  summary:
    'Ends early what holds for a while; the policy that is there for good is in force again.',
  description: [
    'At once, on all nodes. What came to its end under it stays ended. Where the override was longer, tokens of it are superseded: clients refresh. Without one in force it is refused, and nothing changes.',
  ],
  options: [ifVersionOption, yesOption, ...actOptions],
  examples: [
    'sekisho tenant policy end-override skyline',
    'sekisho tenant policy end-override skyline --if-version 7 --json',
  ],
  async run(call) {
    const tenant = operand(call, 0);
    const ifVersion = ifVersionOf(call);
    const changed = await withOperator(call, async (operator) => {
      const { policy, override } = await operator.getTenantPolicy({ tenant });
      await confirmShorter(call, tenant, override && shortened(policy, override.after));
      return operator.endPolicyOverride({ tenant, ifVersion });
    });
    return told(call, changed);
  },
};

/** Sessions of a tenant that are older, or idle for longer, end by it. */
async function confirmShorter(call: Call, tenant: string, what: string | null): Promise<void> {
  if (what !== null)
    await confirm(call, `Every session of ${tenant} gets ${what}; older ones end?`);
}

function ifVersionOf(call: Call): number | null {
  return integer(call, 'if-version', 0, 2_147_483_647);
}

function told(call: Call, { policy, version, override, revocation }: ChangedPolicy): number {
  const json = { policy, version, ...overrideJson(override), ...revocationJson(revocation) };
  print(wantsJson(call), json, [
    ...linesOf(policy),
    `version  ${version}`,
    ...overrideLines(override),
    ...(revocation === null ? [] : [revokedLine('longer tokens are superseded', revocation)]),
  ]);
  return revocationExit(call, revocation);
}

function overrideJson(override: VersionedPolicy['override']) {
  if (override === null) return {};
  return { override_until: isoOf(override.untilMs), after: override.after };
}

function overrideLines(override: VersionedPolicy['override']): readonly string[] {
  if (override === null) return [];
  return [
    `until  ${timeOf(override.untilMs)}, and from then on:`,
    ...linesOf(override.after).map((line) => `  ${line}`),
  ];
}

function linesOf(policy: Policy): readonly string[] {
  return Object.entries(policy).flatMap(([name, value]) =>
    typeof value === 'object'
      ? Object.entries(value).map(([inner, one]) => `${name}.${inner}=${one}`)
      : [`${name}=${value}`],
  );
}
