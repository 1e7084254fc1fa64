import { existsSync } from 'node:fs';
import { readConfig } from '../config.ts';
import {
  askOperator,
  commandsOf,
  type OperatorCommands,
  operatorAt,
} from '../create/operator-commands.ts';
import { createSekisho } from '../create.ts';
import { isSekishoError, SekishoError } from '../errors.ts';
import { createLogger } from '../observe/logger.ts';
import type { Call, Option } from './command.ts';
import { readRecordOptions, recordSettings } from './settings.ts';

export type { OperatorCommands };

/** A server that is starting is asked again: 10 s together. */
const START_RETRY_MS = 250;
const START_TRIES = 40;

/** Options of every command that speaks to a record. */
export const reachOptions: readonly Option[] = [
  { name: 'json', help: 'print one line of JSON' },
  ...recordSettings,
];

/**
 * Runs `use` with the operator's use cases: those of the process that holds the data directory, reached through its control
 * socket, or, while nobody does, of an instance opened for this command. With a `DATABASE_URL` it joins the nodes that are
 * there for as long as the command takes. A data directory that is not there is made with `mayMake` only: a mistyped one
 * would otherwise be answered from an empty record.
 *
 * @throws SekishoError `data_directory_unusable` when there is no record, and what opening one throws.
 */
export async function withOperator<Result>(
  call: Call,
  use: (operator: OperatorCommands) => Promise<Result>,
  { mayMake = false } = {},
): Promise<Result> {
  // A logger of the command's own: what operators decide of levels is for servers.
  const options = { ...readRecordOptions(call), logger: createLogger('warn') };
  const { record } = readConfig(options);
  const running = record.kind === 'embedded' ? await runningAt(record.dataDir) : null;
  if (running !== null) return use(running);
  if (record.kind === 'embedded' && !mayMake && !existsSync(record.dataDir)) {
    throw new SekishoError(
      'data_directory_unusable',
      `There is no data directory ${record.dataDir}: start the server first, or name another one with --data-dir.`,
    );
  }
  const sekisho = await createSekisho(options);
  try {
    return await use(commandsOf(sekisho.engine));
  } finally {
    await sekisho.close();
  }
}

/** The operator of the process that holds `dataDir`; null when none does. */
export async function runningAt(dataDir: string): Promise<OperatorCommands | null> {
  if (!existsSync(dataDir)) return null;
  const status = await onceStarted(() => askOperator(dataDir, 'status'));
  return status === null ? null : operatorAt(dataDir);
}

/** Waits for a server that is starting. */
async function onceStarted<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let left = START_TRIES; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0 || !isSekishoError(error) || error.code !== 'not_ready') throw error;
      await new Promise((done) => setTimeout(done, START_RETRY_MS));
    }
  }
}
