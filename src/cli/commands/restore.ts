import { resolve } from 'node:path';
import { type Config, readConfig } from '../../config.ts';
import type { RestoreStage } from '../../create/restore.ts';
import type { Override } from '../../record/operations-contract.ts';
import { type Command, given, operand, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { reachOptions } from '../operator.ts';
import { isoOf, print, timeOf } from '../output.ts';
import { progressBar } from '../progress.ts';
import { readRecordOptions } from '../settings.ts';

export const restore: Command = {
  name: 'restore',
  operands: ['FILE'],
  summary:
    'Puts a backup in the place of the record, while no server runs on it, and ends every session.',
  description: [
    'The whole file is checked before anything is written, and what is there goes only with --replace, when all of the backup is in its place. A backup of an embedded record goes into PostgreSQL as well, and the other way round.',
    'What was revoked after the backup does not come back: everybody is logged out, open password resets are void, and a new signing key takes the place of those of the backup. Passwords, roles, users and policies are those of the backup: look at what was changed after it.',
  ],
  options: [
    { name: 'replace', help: 'what the record holds now may go' },
    { name: 'check', help: 'only read the file to its end, and say what it holds' },
    ...reachOptions,
  ],
  examples: [
    'sekisho restore /var/backups/sekisho.backup --check',
    'sekisho restore /var/backups/sekisho.backup --data-dir /var/lib/sekisho --replace',
    'DATABASE_URL=postgres://… SEKISHO_SECRET="$(cat .sekisho/secret)" sekisho restore sekisho.backup',
  ],
  async run(call) {
    const config = readConfig(readRecordOptions(call));
    const path = resolve(operand(call, 0));
    const bars = { checking: progressBar('checking'), restoring: progressBar('restoring') };
    const onProgress = (stage: RestoreStage, progress: Parameters<typeof bars.checking>[0]): void =>
      bars[stage](progress);
    const json = wantsJson(call);
    const { checkBackup, restore: restoreRecord } = await import('../../create/restore.ts');
    if (given(call, 'check')) {
      const { rows, takenAtMs, schemaVersion, generation, position, keyId } = await checkBackup(
        config,
        { path, onProgress },
      );
      const taken_at = isoOf(takenAtMs);
      print(
        json,
        {
          backup: {
            ...{ path, rows, taken_at, schema_version: schemaVersion, generation, position },
            key_id: keyId,
          },
        },
        [`${path} is whole: ${rows.toLocaleString('en')} rows as of ${timeOf(takenAtMs)}`],
      );
      return EXIT.done;
    }
    const replace = given(call, 'replace');
    const restored = await restoreRecord(config, { path, replace, onProgress });
    const { backup, generation, position, inForce, cleanupResumed } = restored;
    const redisRefusal = await refusalOf(config, restored.deployment);
    const { rows, takenAtMs } = backup;
    print(
      json,
      {
        restored: {
          ...{ rows, taken_at: isoOf(takenAtMs), generation, position },
          ...{ in_force: inForce.map(inForceJson), cleanup_resumed: cleanupResumed },
          redis_refusal: redisRefusal,
        },
      },
      [
        `restored: ${rows.toLocaleString('en')} rows as of ${timeOf(takenAtMs)}`,
        'everybody is logged out, open password resets are void, and another key signs; nothing that was revoked after the backup comes back',
        'passwords, roles, users, policies and service clients are those of the backup: look at what was changed after it (docs/backup.md)',
        ...inForce.map(inForceLine),
        ...(cleanupResumed ? ['clean-up was paused when the backup was made: it goes on'] : []),
        ...(redisRefusal === null ? [] : [`no server starts yet: ${redisRefusal}`]),
        'start the servers with the same SEKISHO_SECRET',
      ],
    );
    return EXIT.done;
  },
};

/** Why no server would start with the Redis of the settings: it belongs to the deployment whose record has been replaced. */
async function refusalOf(
  { record, redisUrl }: Config,
  deployment: string | null,
): Promise<string | null> {
  if (record.kind !== 'postgres' || redisUrl === null || deployment === null) return null;
  const { refusedByRedis } = await import('../../create/redis-holder.ts');
  return refusedByRedis(redisUrl, deployment);
}

export function inForceJson({ kind, value, untilMs, by }: Override): object {
  return { kind, value, until: isoOf(untilMs), by };
}

/** A ceiling that may have been cleared after the backup: whoever restores must know that it holds. */
export function inForceLine({ kind, value, untilMs, by }: Override): string {
  const fields = Object.entries(value).map(([name, one]) => `${name} ${one}`);
  return `in force again, also if it was cleared after the backup: ops ${kind} by ${by}, ${fields.join(', ')}, until ${timeOf(untilMs)} (sekisho ops ${kind} clear ends it)`;
}
