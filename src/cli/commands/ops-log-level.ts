import { isLogLevel, LOG_LEVELS } from '../../session/log-levels.ts';
import { type Command, operand, optional, UsageError, wantsJson } from '../command.ts';
import { actOptions, withOperator } from '../operator.ts';
import { isoOf, print, timeOf } from '../output.ts';
import { whoOf } from '../who.ts';
import { clearCommand } from './ops-clear.ts';
import { endOf, endOptions, toldExit, toldJson, toldLine } from './ops-shared.ts';

const nodeOption = {
  name: 'node',
  value: 'ID',
  help: 'one node (see ops status); default: all of them',
};

export const opsLogLevel: Command = {
  name: 'ops log-level',
  operands: ['LEVEL'],
  summary: 'Sets the level of the log on every node, or on one, at run time.',
  description: [
    `LEVEL is one of ${LOG_LEVELS.join(', ')}. With --for or --until it ends by itself, and each node logs at its own level again (SEKISHO_LOG_LEVEL); without, it holds until ops log-level clear, over restarts too. One for a node goes before one for all, and ends with the node.`,
    'A node that a program runs with a logger of its own keeps that logger’s level.',
  ],
  options: [nodeOption, ...endOptions, ...actOptions],
  examples: [
    'sekisho ops log-level debug --for 30m',
    'sekisho ops log-level trace --node hQ2mZ7xW0rTn5bJ8cK1vYA --for 5m',
  ],
  async run(call) {
    const level = operand(call, 0);
    if (!isLogLevel(level)) throw new UsageError(`LEVEL must be one of ${LOG_LEVELS.join(', ')}`);
    const node = optional(call, 'node');
    const input = { by: whoOf(call), level, node, end: endOf(call) };
    const { override, ...told } = await withOperator(call, (operator) =>
      operator.overrideLogLevel(input),
    );
    const until = override.untilMs === null ? '' : ` until ${timeOf(override.untilMs)}`;
    print(wantsJson(call), { level, node, until: isoOf(override.untilMs), ...toldJson(told) }, [
      toldLine(
        `the level of the log is ${level}${until}${node === null ? '' : ` of ${node}`}`,
        told,
      ),
    ]);
    return toldExit(told);
  },
};

export const opsLogLevelClear = clearCommand({
  name: 'ops log-level clear',
  kind: 'log_level',
  summary: 'Lets every node, or one, log at its own level again.',
  nodeOption,
  done: 'the level of the log is its own again',
});
