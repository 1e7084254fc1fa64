import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files that are made on a schedule: the time, so that their order by name is that of their age. */
const NAME = /^sekisho-\d{8}T\d{9}Z\.backup$/;
const PARTIAL = /^\.sekisho-\d{8}T\d{9}Z\.backup\.[0-9a-f]+\.partial$/;
/** Nobody writes to it any more: whoever did was killed. */
const ABANDONED_MS = 3_600_000;

/** `sekisho-20261121T100000000Z.backup` */
export function backupName(atMs: number): string {
  return `sekisho-${new Date(atMs).toISOString().replaceAll(/[-:.]/g, '')}.backup`;
}

/** When the newest file that was made on a schedule came; null when there is none. */
export function newestBackupMs(folder: string): number | null {
  const name = scheduled(folder).at(-1);
  const found = /-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z/.exec(name ?? '');
  if (found === null) return null;
  const [, year, month, day, hour, minute, second, ms] = found;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
}

/** Keeps the newest `keep` of them, and nothing that was left behind half. Other files are left alone. */
export function pruneBackups(folder: string, keep: number): readonly string[] {
  const old = scheduled(folder).slice(0, -keep);
  const left = readdirSync(folder).filter(
    (name) =>
      PARTIAL.test(name) &&
      (statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) <
        Date.now() - ABANDONED_MS,
  );
  for (const name of [...old, ...left]) rmSync(join(folder, name), { force: true });
  return old;
}

function scheduled(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => NAME.test(name))
    .sort();
}
