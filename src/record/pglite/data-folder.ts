import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeBareImage, readImage } from './image.ts';
import { tarEntries } from './tar.ts';

/** The database's folder in a data directory. */
const FOLDER = 'postgres';
/** Under which it is made. Whoever holds the directory's lock may remove it. */
const UNFINISHED = 'postgres.new';

/** Where the database of a data directory is. */
export interface DataFolder {
  readonly path: string;
  /** Whether it has just been made. */
  readonly isNew: boolean;
}

/**
 * The folder of the database, made where there is none: whole or not at all, so that a start that is killed while it makes
 * one leaves nothing that the next could take for a database. The caller holds the directory's lock.
 *
 * @param images where an image is looked for; default: where the build puts it.
 * @throws Error when it cannot be made, or when something else is there.
 */
export async function openDataFolder(dataDir: string, images?: string): Promise<DataFolder> {
  const path = join(dataDir, FOLDER);
  const isNew = !existsSync(join(path, 'PG_VERSION'));
  if (isNew) {
    if (existsSync(path) && readdirSync(path).length > 0) {
      throw new Error(`${path} is no database of Sekisho, and is left as it is`);
    }
    await make(dataDir, path, images);
  }
  // PGlite makes files that everybody may read and write. They are kept in a folder that nobody else can enter, also
  // where the data directory was there before and is open to others.
  chmodSync(path, 0o700);
  return { path, isNew };
}

async function make(dataDir: string, path: string, images?: string): Promise<void> {
  const unfinished = join(dataDir, UNFINISHED);
  rmSync(unfinished, { recursive: true, force: true });
  await unpackImage((await readImage(images)) ?? (await makeBareImage()), unfinished);
  renameSync(unfinished, path);
}

/** Writes the files of an image to a folder, made for it. */
export async function unpackImage(image: Uint8Array, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { name, kind, bytes } of tarEntries(image)) {
    const place = join(folder, name);
    if (kind === 'folder') mkdirSync(place, { recursive: true, mode: 0o700 });
    else {
      mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
      await writeFile(place, bytes, { mode: 0o600 });
    }
  }
}
