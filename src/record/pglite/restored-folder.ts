import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The database's folder in a data directory. */
const CURRENT = 'postgres';
/** What a restore is filling. */
const RESTORING = 'postgres.restoring';
/** What a restore has filled, whole and on the disk. */
const RESTORED = 'postgres.restored';
/** What stood there before. */
const REPLACED = 'postgres.replaced';
/** Copies that backups are read from. */
const COPY = /^postgres\.copy-[0-9a-f]+$/;

/** Where a backup may copy the database to. */
export function copyFolder(dataDir: string, mark: string): string {
  return join(dataDir, `postgres.copy-${mark}`);
}

/** Whether a data directory has a database. */
export function hasDatabase(dataDir: string): boolean {
  return [CURRENT, RESTORED].some((name) => existsSync(join(dataDir, name, 'PG_VERSION')));
}

/** An empty place for a restore to fill. The caller holds the directory's lock. */
export function restoringFolder(dataDir: string): string {
  const path = join(dataDir, RESTORING);
  rmSync(path, { recursive: true, force: true });
  return path;
}

/**
 * Puts what a restore has filled in the place of what was there. Wherever it is interrupted, either the old database or the
 * new one is whole, and the next opening of the directory goes on (`settleFolders`).
 */
export async function putInPlace(dataDir: string): Promise<void> {
  // PGlite never does: from here on a power loss must not find half of it.
  await syncTree(join(dataDir, RESTORING));
  renameSync(join(dataDir, RESTORING), join(dataDir, RESTORED));
  await syncOne(dataDir);
  settleFolders(dataDir);
  await syncOne(dataDir);
}

/** Finishes what was interrupted, and removes what nobody needs. The caller holds the directory's lock. */
export function settleFolders(dataDir: string): void {
  const [current, restored, replaced] = [CURRENT, RESTORED, REPLACED].map((name) =>
    join(dataDir, name),
  ) as [string, string, string];
  if (existsSync(restored)) {
    if (existsSync(current)) {
      rmSync(replaced, { recursive: true, force: true });
      renameSync(current, replaced);
    }
    renameSync(restored, current);
  }
  const old = readdirSync(dataDir).filter((name) => COPY.test(name));
  for (const name of [...old, RESTORING, REPLACED]) {
    rmSync(join(dataDir, name), { recursive: true, force: true });
  }
}

async function syncTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) await syncTree(inside);
    else if (entry.isFile()) await syncOne(inside);
  }
  await syncOne(path);
}

async function syncOne(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
