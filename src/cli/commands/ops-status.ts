import type { Override } from '../../record/operations-contract.ts';
import { type Command, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { reachOptions, withOperator } from '../operator.ts';
import { isoOf, print, table, timeOf } from '../output.ts';
import { cleanupJson, cleanupLines } from './ops-cleanup.ts';

export const opsStatus: Command = {
  name: 'ops status',
  operands: [],
  summary: 'Shows what operators have put in force, how clean-up stands, and the nodes.',
  options: reachOptions,
  examples: ['sekisho ops status', 'sekisho ops status --json'],
  async run(call) {
    const { overrides, cleanup, members } = await withOperator(call, (operator) =>
      operator.operations(),
    );
    const json = {
      overrides: overrides.map(overrideJson),
      cleanup: cleanupJson(cleanup),
      members: members.map((member) => ({
        ...{ id: member.id, self: member.self, address: member.address },
        ...{ freshness: member.freshness, lag: member.lag, log_level: member.logLevel },
      })),
    };
    print(wantsJson(call), json, [
      ...table(
        ['IN FORCE', 'VALUE', 'UNTIL', 'SINCE', 'BY'],
        overrides.map(rowOf),
        'nothing is overridden',
      ),
      '',
      ...cleanupLines(cleanup),
      '',
      ...table(
        ['NODE (* ASKED)', 'ADDRESS', 'ANSWERS', 'LAG', 'LOG LEVEL'],
        members.map(({ id, self, address, freshness, lag, logLevel }) => [
          `${id}${self ? ' *' : ''}`,
          address ?? '-',
          freshness,
          String(lag),
          logLevel ?? '-',
        ]),
        'no server runs: start one with sekisho serve',
      ),
    ]);
    return EXIT.done;
  },
};

function overrideJson({ kind, node, value, by, begunAtMs, untilMs }: Override) {
  return { kind, node, value, by, since: isoOf(begunAtMs), until: isoOf(untilMs) };
}

function rowOf({ kind, node, value, by, begunAtMs, untilMs }: Override): readonly string[] {
  const values = Object.entries(value).map(([name, one]) => `${name}=${one}`);
  return [
    node === null ? kind : `${kind} of ${node}`,
    values.join(' '),
    untilMs === null ? 'cleared' : timeOf(untilMs),
    timeOf(begunAtMs),
    by,
  ];
}
