import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../../clock.ts';
import { readConfig } from '../../config.ts';
import { backUp, prepareBackUp } from '../../create/backup.ts';
import { backupName } from '../../create/backup-files.ts';
import { scheduleBackups } from '../../create/backup-schedule.ts';
import { SekishoError } from '../../errors.ts';
import type { BackupSummary } from '../../record/backup-contract.ts';
import {
  type Call,
  type Command,
  duration,
  integer,
  operand,
  UsageError,
  wantsJson,
} from '../command.ts';
import { EXIT } from '../exit.ts';
import { reachOptions, runningAt } from '../operator.ts';
import { explain, isoOf, print, timeOf } from '../output.ts';
import { progressBar } from '../progress.ts';
import { firstSignal } from '../server/signals.ts';
import { readRecordOptions } from '../settings.ts';
import { WriteError } from '../sink.ts';

const DEFAULT_KEEP = 24;
/** As of a server's own schedule (`backupEverySeconds`). */
const EVERY = { least: 60, most: 7 * 86_400 };

export const backup: Command = {
  name: 'backup',
  operands: ['FILE'],
  summary:
    'Writes all that the record holds, as of one moment, to a file; the server goes on meanwhile.',
  description: [
    'The file is encrypted under SEKISHO_SECRET (of an embedded record: the file "secret" in the data directory). Keep that secret, too, and somewhere else: nothing opens the file without it.',
    'FILE must not be there yet; it appears when it is whole and on the disk. A directory in its place gets a file that is named after the time. With --every the command stays and makes one after the other in that directory.',
  ],
  options: [
    {
      name: 'every',
      value: 'SPAN',
      help: 'make one each SPAN, 1m to 7d, such as 1h, until the command is ended',
    },
    { name: 'keep', value: 'N', help: `with --every: keep the newest N; default ${DEFAULT_KEEP}` },
    ...reachOptions,
  ],
  examples: [
    'sekisho backup /var/backups/sekisho.backup',
    'sekisho backup /var/backups/sekisho --every 1h --keep 24',
    'DATABASE_URL=postgres://… SEKISHO_SECRET=… sekisho backup monday.backup --json',
  ],
  async run(call) {
    const path = resolve(operand(call, 0));
    const everySeconds = duration(call, 'every', EVERY);
    const keep = integer(call, 'keep', 1, 100_000);
    if (everySeconds !== null) {
      return await again(call, path, everySeconds * 1_000, keep ?? DEFAULT_KEEP);
    }
    if (keep !== null) throw new UsageError('--keep belongs to --every');
    const isFolder = existsSync(path) && statSync(path).isDirectory();
    tell(call, await one(call, isFolder ? join(path, backupName(Date.now())) : path));
    return EXIT.done;
  },
};

/** By the server that has the data directory, or by this process. */
async function one(call: Call, path: string, signal?: AbortSignal): Promise<BackupSummary> {
  const config = readConfig(readRecordOptions(call));
  const { record } = config;
  const onProgress = progressBar('backing up');
  const running = record.kind === 'embedded' ? await runningAt(record.dataDir) : null;
  if (running === null)
    return await backUp(config, { path, onProgress, ...(signal && { signal }) });
  const written = await running.backUp({ path }, onProgress);
  if (existsSync(path)) return written;
  throw new SekishoError(
    'backup_unusable',
    `The server has written ${path}, and it is not there for this command: name a directory that both see.`,
  );
}

async function again(call: Call, folder: string, everyMs: number, keep: number): Promise<number> {
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new UsageError(`with --every, ${folder} must be a directory`);
  }
  if (!existsSync(folder) && folder.endsWith('.backup')) {
    throw new UsageError(`with --every, a directory is named, not a file such as ${folder}`);
  }
  // What is wrong with the settings is wrong each time.
  const config = readConfig(readRecordOptions(call));
  await prepareBackUp(config);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new WriteError(folder, error as NodeJS.ErrnoException);
  }
  const ended = firstSignal();
  // The clock's timers do not keep a process alive.
  const alive = setInterval(() => {}, 3_600_000);
  const schedule = scheduleBackups({
    ...{ folder, everyMs, keep, clock: systemClock },
    write: (path, signal) => one(call, path, signal),
    onWritten: (written) => tell(call, written),
    onFailed: (error) => void explain(error, wantsJson(call)),
  });
  await ended;
  await schedule.close();
  clearInterval(alive);
  return EXIT.done;
}

function tell(call: Call, written: BackupSummary): void {
  const { path, bytes, rows, takenAtMs, schemaVersion, generation, position, keyId } = written;
  print(
    wantsJson(call),
    {
      backup: {
        ...{ path, bytes, rows, taken_at: isoOf(takenAtMs), schema_version: schemaVersion },
        ...{ generation, position, key_id: keyId },
      },
    },
    [
      `${path}: ${rows.toLocaleString('en')} rows as of ${timeOf(takenAtMs)}, ${bytes.toLocaleString('en')} bytes; it opens with the secret of key id ${keyId}`,
    ],
  );
}
