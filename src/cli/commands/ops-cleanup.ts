import type { CleanupStatus } from '../../session/operator/operations-contract.ts';
import { type Command, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { actOptions, reachOptions, withOperator } from '../operator.ts';
import { isoOf, print, table, timeOf } from '../output.ts';
import { whoOf } from '../who.ts';
import { toldExit, toldJson, toldLine } from './ops-shared.ts';

export const opsCleanupPause: Command = {
  name: 'ops cleanup pause',
  operands: [],
  summary:
    'Pauses clean-up, the sweeping of last-seen times and retention of the audit trail on every node.',
  description: [
    'What is at work stops after its batch. Nothing is lost: what has ended is dead all the same, and sessions do not grow idle meanwhile. Rows of the audit trail are sealed all the same, so event streams go on. It stays paused until it is resumed, over restarts too; who pauses it once more changes nothing, and the status goes on to name the first.',
  ],
  options: actOptions,
  examples: ['sekisho ops cleanup pause'],
  async run(call) {
    const by = whoOf(call);
    const told = await withOperator(call, (operator) => operator.pauseCleanup({ by }));
    print(wantsJson(call), { paused: true, ...toldJson(told) }, [
      toldLine('clean-up, sweeping and retention are paused', told),
    ]);
    return toldExit(told);
  },
};

export const opsCleanupResume: Command = {
  name: 'ops cleanup resume',
  operands: [],
  summary: 'Lets clean-up, sweeping and retention go on.',
  options: actOptions,
  examples: ['sekisho ops cleanup resume'],
  async run(call) {
    const by = whoOf(call);
    const told = await withOperator(call, (operator) => operator.resumeCleanup({ by }));
    print(wantsJson(call), { paused: false, ...toldJson(told) }, [
      toldLine('clean-up, sweeping and retention are resumed', told),
    ]);
    return toldExit(told);
  },
};

export const opsCleanupStatus: Command = {
  name: 'ops cleanup status',
  operands: [],
  summary: 'Shows how far clean-up is, and who is at it.',
  options: reachOptions,
  examples: ['sekisho ops cleanup status', 'sekisho ops cleanup status --json'],
  async run(call) {
    const status = await withOperator(call, (operator) => operator.cleanupStatus());
    print(wantsJson(call), { cleanup: cleanupJson(status) }, cleanupLines(status));
    return EXIT.done;
  },
};

export function cleanupJson(status: CleanupStatus) {
  const { state, paused, run, holder, begunAtMs, finishedAtMs, progress, sweep } = status;
  return {
    state,
    paused: paused === null ? null : { by: paused.by, at: isoOf(paused.atMs) },
    ...{ run, holder, begun_at: isoOf(begunAtMs), finished_at: isoOf(finishedAtMs), progress },
    sweep: {
      ...{ number: sweep.number, finished: sweep.finished, holder: sweep.holder },
      ...{ progress: sweep.progress, swept_through: isoOf(sweep.sweptThroughMs) },
    },
  };
}

/** What it is called by kind. */
const KINDS: Readonly<Record<string, string>> = {
  ...{ sessions: 'ended sessions', attempts: 'login attempts', tickets: 'socket tickets' },
  ...{ idempotencyKeys: 'idempotency keys', resets: 'password resets', entries: 'log entries' },
  ...{ operations: 'operations', overrides: 'ended overrides' },
};

export function cleanupLines(status: CleanupStatus): readonly string[] {
  const { state, paused, run, holder, begunAtMs, finishedAtMs, progress, sweep } = status;
  const rows = Object.entries(progress).map(([kind, { removed, left }]) => [
    ...[KINDS[kind] ?? kind, removed.toLocaleString('en'), `about ${left.toLocaleString('en')}`],
  ]);
  const by = paused === null ? '' : ` since ${timeOf(paused.atMs)} by ${paused.by ?? 'a program'}`;
  return [
    `clean-up: ${state}${by}`,
    `run ${run}: begun ${timeOf(begunAtMs)}${holder === null ? '' : `, at work: ${holder}`}; the last to end did at ${timeOf(finishedAtMs)}`,
    ...(rows.length === 0 ? [] : table(['', 'REMOVED', 'LEFT'], rows, '')),
    `last-seen times: swept through ${timeOf(sweep.sweptThroughMs)}${sweep.holder === null ? '' : `, at work: ${sweep.holder}`}`,
  ];
}
