import { type Command, duration, integer, type Option, wantsJson } from '../command.ts';
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
  ['account-attempts', 100, 'failed attempts on one account before waits begin; 1 to 100'],
  ['address-attempts', 100_000, 'the same from one address; 1 to 100000'],
] as const;
const SPANS = [
  ['account-window', 'how long an attempt on an account counts; 10s to 1d'],
  ['address-window', 'the same for an address'],
  ['max-wait', 'the longest wait between two attempts; 1s to 1h'],
] as const;

export const opsLimits: Command = {
  name: 'ops limits',
  operands: [],
  summary: 'Tightens the login limits of all tenants for a while.',
  description: [
    'The tighter of this and each tenant’s own holds: fewer attempts, longer windows and waits. Attempts that were counted before count by the new limit at once. What is looser than a tenant’s own changes nothing there.',
  ],
  options: [
    ...COUNTS.map(([name, , help]): Option => ({ name, value: 'N', help })),
    ...SPANS.map(([name, help]): Option => ({ name, value: 'SPAN', help })),
    ...endOptions,
    ...actOptions,
  ],
  examples: [
    'sekisho ops limits --account-attempts 3 --address-attempts 50 --for 1h',
    'sekisho ops limits --max-wait 1h --until 2026-01-31T06:00Z --json',
  ],
  async run(call) {
    const given = [
      ...COUNTS.map(([name, most]) => [name, integer(call, name, 1, most)] as const),
      ...SPANS.map(([name]) => [name, duration(call, name)] as const),
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
