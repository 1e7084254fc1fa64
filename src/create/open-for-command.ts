import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { SekishoError } from '../errors.ts';
import { hasDatabase } from '../record/pglite/restored-folder.ts';
import type { Told } from '../session/operator/operations-contract.ts';
import { createInstance } from './instance.ts';
import { planRecord } from './migration.ts';
import { type Open, openOnce, openPatiently } from './open-patiently.ts';
import { commandsOf, type OperatorCommands } from './operator-commands.ts';

/** How long a database that cannot be reached is tried again: somebody waits at a terminal. */
const PATIENCE_MS = 5_000;
/** How long joining the nodes may take as a whole, on a database that answers now and then. */
const JOIN_WITHIN_MS = 60_000;

export interface CommandParts {
  /** Whether there need not be a record yet. */
  readonly mayMake: boolean;
  /** Who runs the command, for the audit trail. */
  readonly by: string;
}

export interface OpenCommands {
  readonly commands: OperatorCommands;
  close(): Promise<void>;
}

/**
 * Opens the record for as long as a command takes. Unlike a server it gives up on a database that is away, and it makes no
 * record unless `mayMake`: a directory that is not mounted, or another database, would be answered for as if it were empty.
 *
 * @throws SekishoError `data_directory_unusable` or `store_unavailable` where there is no record; `store_unavailable` where
 *   it cannot be reached; and as `createSekisho`.
 */
export async function openForCommand(
  config: Config,
  { mayMake, by }: CommandParts,
): Promise<OpenCommands> {
  if (!mayMake) requireFolder(config);
  const { sekisho, ready } = createInstance(config, openBriefly(mayMake));
  try {
    await ready;
    const commands = unseen(commandsOf(sekisho.engine, by));
    return { commands, close: () => sekisho.close() };
  } catch (error) {
    await sekisho.close();
    throw error;
  }
}

/** A node that is there for one command says of the others how they are: it serves nobody, and is gone when this is read. */
function unseen(commands: OperatorCommands): OperatorCommands {
  const others = <Member extends { readonly self: boolean }>(members: readonly Member[]) =>
    members.filter(({ self }) => !self);
  const told =
    <Input, Answer extends Told>(verb: (input: Input) => Promise<Answer>) =>
    async (input: Input): Promise<Answer> => {
      const answer = await verb(input);
      return { ...answer, members: Math.max(0, answer.members - 1) };
    };
  return {
    ...commands,
    members: async () => others(await commands.members()),
    async operations() {
      const status = await commands.operations();
      return { ...status, members: others(status.members) };
    },
    pauseCleanup: told(commands.pauseCleanup),
    resumeCleanup: told(commands.resumeCleanup),
    overrideLimits: told(commands.overrideLimits),
    overrideLogLevel: told(commands.overrideLogLevel),
    clearOverride: told(commands.clearOverride),
  };
}

function openBriefly(mayMake: boolean): Open {
  return async (config, opening) => {
    const attempt = async () => {
      if (!mayMake) await requireTables(config);
      return openOnce(config, bounded);
    };
    // A database in the directory is this process's own, and takes what it takes.
    const late =
      config.record.kind === 'postgres' ? AbortSignal.timeout(JOIN_WITHIN_MS) : undefined;
    const signal = AbortSignal.any([opening.signal, ...(late === undefined ? [] : [late])]);
    const bounded = { ...opening, signal, brief: true };
    try {
      return await openPatiently(config, bounded, { patienceMs: PATIENCE_MS, attempt });
    } catch (error) {
      if (late?.aborted !== true || opening.signal.aborted) throw error;
      throw new SekishoError(
        'store_unavailable',
        `The nodes could not be joined within ${JOIN_WITHIN_MS / 1000} s.`,
        { cause: error },
      );
    }
  };
}

function requireFolder({ record }: Config): void {
  if (record.kind !== 'embedded' || hasDatabase(record.dataDir)) return;
  const path = resolve(record.dataDir);
  throw new SekishoError(
    'data_directory_unusable',
    existsSync(path)
      ? `There is no record in ${path}: start the server on it first, restore a backup there, or name another directory with --data-dir. Is what belongs there mounted?`
      : `There is no data directory ${path}: start the server first, or name another one with --data-dir.`,
  );
}

async function requireTables(config: Config): Promise<void> {
  if (config.record.kind !== 'postgres' || (await planRecord(config)).kind !== 'new') return;
  throw new SekishoError(
    'store_unavailable',
    'No Sekisho has been set up in this database: start a server, run sekisho migrate, or name another one with DATABASE_URL.',
  );
}
