import { type Bounds, POLICY_BOUNDS } from '../../tenant/policy.ts';
import { type Command, duration, integer, type Option, spanWords, wantsJson } from '../command.ts';
import { actOptions, withOperator } from '../operator.ts';
import { isoOf, print, timeOf } from '../output.ts';
import { whoOf } from '../who.ts';
import { clearCommand } from './ops-clear.ts';
import {
  endOptions,
  fieldsGiven,
  requiredEnd,
  toldExit,
  toldJson,
  toldLine,
} from './ops-shared.ts';

const COUNTS = [
  ['account-attempts', 'account_attempts', 'failed attempts on one account before waits begin'],
  ['address-attempts', 'address_attempts', 'the same from one address'],
] as const;
const SPANS = [
  ['account-window', 'account_window', 'how long an attempt on an account counts'],
  ['address-window', 'address_window', 'the same for an address'],
  ['max-wait', 'max_wait', 'the longest wait between two attempts'],
] as const;

function boundsOf(field: (typeof COUNTS | typeof SPANS)[number][1]): Bounds {
  return POLICY_BOUNDS[`login_limit.${field}`];
}

export const opsLimits: Command = {
  name: 'ops limits',
  operands: [],
  summary: 'Tightens the login limits of all tenants for a while.',
  description: [
    'The tighter of this and each tenant’s own holds: fewer attempts, longer windows and waits. Attempts that were counted before count by the new limit at once. What is looser than a tenant’s own changes nothing there.',
  ],
  options: [
    ...COUNTS.map(([name, field, what]): Option => {
      const { least, most } = boundsOf(field);
      return { name, value: 'N', help: `${what}; ${least} to ${most}` };
    }),
    ...SPANS.map(([name, field, what]): Option => {
      const { least, most } = boundsOf(field);
      return { name, value: 'SPAN', help: `${what}; ${spanWords(least)} to ${spanWords(most)}` };
    }),
    ...endOptions,
    ...actOptions,
  ],
  examples: [
    'sekisho ops limits --account-attempts 3 --address-attempts 50 --for 1h',
    'sekisho ops limits --max-wait 1h --for 12h --json',
  ],
  async run(call) {
    const given = [
      ...COUNTS.map(([name, field]) => {
        const { least, most } = boundsOf(field);
        return [name, integer(call, name, least, most)] as const;
      }),
      ...SPANS.map(([name, field]) => [name, duration(call, name, boundsOf(field))] as const),
    ];
    const missing = 'give --account-attempts, --address-attempts or another limit';
    const limits = fieldsGiven(given, missing);
    const input = { by: whoOf(call), limits, end: requiredEnd(call) };
    const { override, ...told } = await withOperator(call, (operator) =>
      operator.overrideLimits(input),
    );
    print(wantsJson(call), { ...limits, until: isoOf(override.untilMs), ...toldJson(told) }, [
      toldLine(`login limits are tightened until ${timeOf(override.untilMs)}`, told),
    ]);
    return toldExit(told);
  },
};

export const opsLimitsClear = clearCommand({
  name: 'ops limits clear',
  kind: 'limits',
  summary: 'Ends the tightened login limits early.',
  done: 'login limits are those of the policies again',
});
