import type { Override } from '../../record/operations-contract.ts';
import { POLICY_BOUNDS } from '../../tenant/policy.ts';
import {
  type Call,
  type Command,
  duration,
  type Option,
  spanWords,
  wantsJson,
  yesOption,
} from '../command.ts';
import { confirm } from '../confirm.ts';
import { actOptions, withOperator } from '../operator.ts';
import { isoOf, print, timeOf } from '../output.ts';
import { revocationExit, revocationJson, revokedLine, waitMsOf, waitOption } from '../revoking.ts';
import { whoOf } from '../who.ts';
import { clearCommand } from './ops-clear.ts';
import { endOptions, fieldsGiven, requiredEnd } from './ops-shared.ts';

const { access_ttl, idle_timeout, absolute_timeout } = POLICY_BOUNDS;
const CEILINGS = [
  ['access-ttl', 'access tokens live no longer', access_ttl],
  ['idle-timeout', 'sessions idle for longer end', idle_timeout],
  ['absolute-timeout', 'sessions live no longer', absolute_timeout],
] as const;
const CEILING_OPTIONS = CEILINGS.map(
  ([name, what, { least, most }]): Option => ({
    ...{ name, value: 'SPAN', help: `${what}; ${spanWords(least)} to ${spanWords(most)}` },
  }),
);

export const opsLifetimes: Command = {
  name: 'ops lifetimes',
  operands: [],
  summary: 'Shortens the lifetimes of all tenants for a while, existing sessions included.',
  description: [
    'A ceiling over every policy: the shorter of both holds, at once. Access tokens from before are superseded, so every client refreshes at its next request; a session that has lived or been idle for longer than the ceiling ends there, and stays ended; with --idle-timeout or --absolute-timeout that is asked first.',
    'At its end nothing has to be done: sessions that are alive then live as long as their policies say, and new tokens get the longer life. A second one takes the place of the first; tokens are superseded by it only where it is lower, or ends sessions later on. See docs/operations.md.',
  ],
  options: [...CEILING_OPTIONS, ...endOptions, waitOption, yesOption, ...actOptions],
  examples: [
    'sekisho ops lifetimes --access-ttl 60s --for 2h',
    'sekisho ops lifetimes --access-ttl 60s --idle-timeout 15m --for 2h --yes',
    'sekisho ops lifetimes --absolute-timeout 8h --for 3d --yes --json',
  ],
  async run(call) {
    const given = CEILINGS.map(([name, , bounds]) => [name, duration(call, name, bounds)] as const);
    const missing = 'give --access-ttl, --idle-timeout or --absolute-timeout';
    const ceiling = fieldsGiven(given, missing);
    const input = { by: whoOf(call), ceiling, end: requiredEnd(call), waitMs: waitMsOf(call) };
    await confirmEnding(call, ceiling);
    const { override, replaced, revocation } = await withOperator(call, (operator) =>
      operator.overrideLifetimes(input),
    );
    const done = `lifetimes are shortened until ${timeOf(override.untilMs)}`;
    print(
      wantsJson(call),
      {
        ...{ ...ceiling, until: isoOf(override.untilMs) },
        replaced: replaced && { ...replaced.value, until: isoOf(replaced.untilMs) },
        ...revocationJson(revocation),
      },
      [
        revocation === null
          ? `${done}; no token lives longer`
          : revokedLine(`${done}; longer tokens are superseded`, revocation),
        `in force: ${ceilingWords(ceiling)}`,
        ...droppedLines(ceiling, replaced),
      ],
    );
    return revocationExit(call, revocation);
  },
};

function ceilingWords(ceiling: Readonly<Record<string, unknown>>): string {
  return Object.entries(ceiling)
    .map(([name, seconds]) => `${name.replaceAll('_', '-')} ${spanWords(Number(seconds))}`)
    .join(', ');
}

/** What the one before had shortened, and this one does not: it holds no more. */
function droppedLines(
  ceiling: Readonly<Record<string, number>>,
  replaced: Override | null,
): readonly string[] {
  if (replaced === null) return [];
  const dropped = Object.entries(replaced.value).filter(([name]) => !(name in ceiling));
  return dropped.length === 0
    ? []
    : [
        `no longer in force: ${ceilingWords(Object.fromEntries(dropped))}, of ${replaced.by} at ${timeOf(replaced.begunAtMs)}; give it along to keep it`,
      ];
}

/** A shorter life of access tokens alone logs nobody out. */
async function confirmEnding(
  call: Call,
  { idle_timeout: idle, absolute_timeout: absolute }: Readonly<Record<string, number>>,
): Promise<void> {
  const ending = [
    ...(idle === undefined ? [] : [`have been idle for ${spanWords(idle)}`]),
    ...(absolute === undefined ? [] : [`are ${spanWords(absolute)} old`]),
  ];
  if (ending.length === 0) return;
  await confirm(call, `End the sessions of every tenant that ${ending.join(' or ')}?`);
}

export const opsLifetimesClear = clearCommand({
  name: 'ops lifetimes clear',
  kind: 'lifetimes',
  summary: 'Ends the shortened lifetimes early.',
  description: ['What has expired under them stays expired.'],
  done: 'lifetimes are those of the policies again',
});
