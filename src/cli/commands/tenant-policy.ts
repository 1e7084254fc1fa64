import type { VersionedPolicy } from '../../session/operator/contract.ts';
import type { Policy } from '../../tenant/types.ts';
import {
  type Command,
  duration,
  integer,
  many,
  operand,
  UsageError,
  wantsJson,
} from '../command.ts';
import { EXIT } from '../exit.ts';
import { reachOptions, withOperator } from '../operator.ts';
import { isoOf, print, timeOf } from '../output.ts';
import { revocationExit, revocationJson, revokedLine } from '../revoking.ts';

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

export const tenantPolicySet: Command = {
  name: 'tenant policy set',
  operands: ['SLUG'],
  summary: 'Replaces fields of a tenant’s policy, at once and for sessions that exist too.',
  description: [
    'Where a time span becomes shorter, tokens of the longer one are superseded: clients refresh, nobody is logged out by that. A field that is not named stays as it is. With --for it holds for that long, and what was there for good before is in force again by itself afterwards.',
  ],
  options: [
    { name: 'set', value: 'FIELD=VALUE', help: 'a field and its value; required', repeats: true },
    { name: 'for', value: 'TIME', help: 'only for so long, such as 2h; at most 30d' },
    {
      name: 'if-version',
      value: 'N',
      help: 'only when the policy still is of this version (policy get shows it)',
    },
    ...reachOptions,
  ],
  examples: [
    'sekisho tenant policy set skyline --set access_ttl=120',
    'sekisho tenant policy set skyline --set max_sessions_per_user=3 --set on_session_limit=reject',
    'sekisho tenant policy set skyline --set idle_timeout=600 --set access_ttl=120 --for 2h',
    'sekisho tenant policy set skyline --set login_limit.max_wait=300 --json',
  ],
  async run(call) {
    const set = fieldsOf(many(call, 'set'));
    const ifVersion = integer(call, 'if-version', 0, 2_147_483_647);
    const seconds = duration(call, 'for');
    const forMs = seconds === null ? null : seconds * 1000;
    const { policy, version, override, revocation } = await withOperator(call, (operator) =>
      operator.setTenantPolicy({ tenant: operand(call, 0), set, ifVersion, forMs }),
    );
    const json = { policy, version, ...overrideJson(override), ...revocationJson(revocation) };
    print(wantsJson(call), json, [
      ...linesOf(policy),
      `version  ${version}`,
      ...overrideLines(override),
      ...(revocation === null ? [] : [revokedLine('longer tokens are superseded', revocation)]),
    ]);
    return revocationExit(call, revocation);
  },
};

function fieldsOf(given: readonly string[]): Record<string, number | string> {
  if (given.length === 0) throw new UsageError('--set FIELD=VALUE is missing');
  const fields = given.map((one) => {
    const [, field, value] = /^([a-z_.]+)=(.+)$/.exec(one) ?? [];
    if (field === undefined || value === undefined) {
      throw new UsageError(`--set must be FIELD=VALUE, not ${one}`);
    }
    return [field, /^\d+$/.test(value) ? Number(value) : value] as const;
  });
  return Object.fromEntries(fields);
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
