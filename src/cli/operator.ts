import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfig } from '../config.ts';
import { askOperator, type OperatorCommands, operatorAt } from '../create/operator-commands.ts';
import { isSekishoError, SekishoError } from '../errors.ts';
import { silentLog } from '../observe/log.ts';
import type { Call, Option } from './command.ts';
import { readRecordOptions, recordSettings } from './settings.ts';
import { byOption, whoOf } from './who.ts';

export type { OperatorCommands };

/** A server that is starting is asked again: 10 s together. */
const START_RETRY_MS = 250;
const START_TRIES = 40;

/** Options of every command that speaks to a record, and changes nothing there. */
export const reachOptions: readonly Option[] = [
  { name: 'json', help: 'print one line of JSON' },
  ...recordSettings,
];

/** Options of every command that changes something in a record. */
export const actOptions: readonly Option[] = [byOption, ...reachOptions];

/**
 * Runs `use` with the operator's use cases: those of the process that holds the data directory, reached through its control
 * socket, or, while nobody does, of an instance opened for this command. With a `DATABASE_URL` it joins the nodes that are
 * there for as long as the command takes. A record that is not there is made with `mayMake` only: a mistyped directory, or
 * one that is not mounted, would otherwise be answered from an empty record.
 *
 * @throws SekishoError as `openForCommand`, and what `use` throws.
 */
export async function withOperator<Result>(
  call: Call,
  use: (operator: OperatorCommands) => Promise<Result>,
  { mayMake = false } = {},
): Promise<Result> {
  // What goes wrong is said once, by the command: lines of a log are for servers.
  const config = readConfig({ ...readRecordOptions(call), logger: silentLog });
  const { record } = config;
  const by = whoOf(call);
  const running = record.kind === 'embedded' ? await runningAt(record.dataDir, by) : null;
  if (running !== null) return use(running);
  // The engine, and the database's driver: a server that answers has both, and this process needs neither.
  const { openForCommand } = await import('../create/open-for-command.ts');
  const opened = await openForCommand(config, { mayMake, by });
  try {
    return await use(opened.commands);
  } finally {
    await opened.close();
  }
}

/**
 * The operator of the process that holds `dataDir`; null when none does.
 *
 * @param by who asks, for the audit trail.
 * @throws SekishoError `data_directory_unusable`
 */
export async function runningAt(
  dataDir: string,
  by: string | null = null,
): Promise<OperatorCommands | null> {
  if (!existsSync(dataDir)) return null;
  requireReadable(resolve(dataDir));
  const status = await onceStarted(() => askOperator(dataDir, 'status'));
  return status === null ? null : operatorAt(dataDir, by);
}

function requireReadable(path: string): void {
  const unusable = (why: string, cause?: unknown): SekishoError =>
    new SekishoError('data_directory_unusable', `${path} ${why}`, { cause });
  if (!statSync(path).isDirectory()) {
    throw unusable('is no directory: name the data directory of a server with --data-dir.');
  }
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw unusable(
      'may not be read by this user: run the command as the one who runs the server.',
      error,
    );
  }
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
