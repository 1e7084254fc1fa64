import { type Command, duration, type Option, wantsJson } from '../command.ts';
import { reachOptions, withOperator } from '../operator.ts';
import { isoOf, print, timeOf } from '../output.ts';
import { revocationExit, revocationJson, revokedLine, waitMsOf, waitOption } from '../revoking.ts';
import { clearCommand } from './ops-clear.ts';
import { byOption, endOptions, fieldsGiven, requiredEnd, whoOf } from './ops-shared.ts';

const CEILINGS: readonly Option[] = [
  { name: 'access-ttl', value: 'SPAN', help: 'access tokens live no longer; 30s to 15m' },
  { name: 'idle-timeout', value: 'SPAN', help: 'sessions idle for longer end; 30s to 30d' },
  { name: 'absolute-timeout', value: 'SPAN', help: 'sessions live no longer; 30s to 30d' },
];

export const opsLifetimes: Command = {
  name: 'ops lifetimes',
  operands: [],
  summary: 'Shortens the lifetimes of all tenants for a while, existing sessions included.',
  description: [
    'A ceiling over every policy: the shorter of both holds, at once. Access tokens from before are superseded, so every client refreshes at its next request; a session that has lived or been idle for longer than the ceiling ends there, and stays ended.',
    'At its end nothing has to be done: sessions that are alive then live as long as their policies say, and new tokens get the longer life. A second one takes the place of the first; tokens are superseded by it only where it is lower, or ends sessions later on. See docs/operations.md.',
  ],
  options: [...CEILINGS, ...endOptions, byOption, waitOption, ...reachOptions],
  examples: [
    'sekisho ops lifetimes --access-ttl 60s --idle-timeout 15m --for 2h',
    'sekisho ops lifetimes --absolute-timeout 8h --until 2026-01-31T06:00Z --json',
  ],
  async run(call) {
    const given = CEILINGS.map(({ name }) => [name, duration(call, name)] as const);
    const missing = 'give --access-ttl, --idle-timeout or --absolute-timeout';
    const ceiling = fieldsGiven(given, missing);
    const input = { by: whoOf(call), ceiling, end: requiredEnd(call), waitMs: waitMsOf(call) };
    const { override, revocation } = await withOperator(call, (operator) =>
      operator.overrideLifetimes(input),
    );
    const done = `lifetimes are shortened until ${timeOf(override.untilMs)}`;
    print(
      wantsJson(call),
      { ...ceiling, until: isoOf(override.untilMs), ...revocationJson(revocation) },
      [
        revocation === null
          ? `${done}; no token lives longer`
          : revokedLine(`${done}; longer tokens are superseded`, revocation),
      ],
    );
    return revocationExit(call, revocation);
  },
};

export const opsLifetimesClear = clearCommand({
  name: 'ops lifetimes clear',
  kind: 'lifetimes',
  summary: 'Ends the shortened lifetimes early.',
  description: ['What has expired under them stays expired.'],
  done: 'lifetimes are those of the policies again',
});
