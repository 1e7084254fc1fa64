import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { SekishoError } from '../errors.ts';
import { hasDatabase } from '../record/pglite/restored-folder.ts';
import { makeSecret } from '../token/secrets.ts';

/** The file in the data directory that keeps the deployment's secret. */
const SECRET_FILE = 'secret';
/** Under which it is made, so that a start that is killed, or finds no room, leaves no half of one. */
const UNFINISHED = 'secret.new';

/**
 * The secret of an embedded deployment: read from the data directory, made there before its database is. Readable by its owner
 * alone. It must be backed up with the database: without it no signing key opens and no refresh token can be followed. The
 * caller holds the directory's lock, so that two first starts cannot each make one.
 *
 * @throws SekishoError `data_directory_unusable`; `invalid_configuration` where there is a database, whose secret another one
 *   is not.
 */
export async function secretOf(dataDir: string): Promise<string> {
  const kept = await keptSecret(dataDir);
  if (kept !== null) return kept;
  const path = join(dataDir, SECRET_FILE);
  if (hasDatabase(dataDir)) {
    throw new SekishoError(
      'invalid_configuration',
      `${path} is not there, and the database beside it was made under a secret: put the file back, or give its content as SEKISHO_SECRET.`,
    );
  }
  const secret = makeSecret();
  const unfinished = join(dataDir, UNFINISHED);
  try {
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(`${secret}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    throw unusable(path, error);
  }
  return secret;
}

/** The secret in a data directory; null where there is none. @throws SekishoError `data_directory_unusable` */
export async function keptSecret(dataDir: string): Promise<string | null> {
  const path = join(dataDir, SECRET_FILE);
  let secret: string;
  try {
    secret = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (isMissing(error)) return null;
    throw unusable(path, error);
  }
  if (secret !== '') return secret;
  throw new SekishoError(
    'data_directory_unusable',
    `${path} is empty: put back what was in it. Where there is no database beside it, remove it.`,
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function unusable(path: string, cause: unknown): SekishoError {
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new SekishoError('data_directory_unusable', `${path} cannot be read or made${code}.`, {
    cause,
  });
}
