import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SekishoError } from '../errors.ts';
import { makeSecret } from '../token/secrets.ts';

/** The file in the data directory that keeps the deployment's secret. */
const SECRET_FILE = 'secret';

/**
 * The secret of an embedded deployment: read from the data directory, made there on the first start. Readable by its owner
 * alone. It must be backed up with the database: without it no signing key opens and no refresh token can be followed.
 *
 * @throws SekishoError `data_directory_unusable`
 */
export async function secretOf(dataDir: string): Promise<string> {
  const kept = await keptSecret(dataDir);
  if (kept !== null) return kept;
  const path = join(dataDir, SECRET_FILE);
  const secret = makeSecret();
  try {
    // The directory is locked by now, so nobody else makes one; `wx` never overwrites a secret all the same.
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${secret}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unusable(path, error);
  }
  return secret;
}

/** The secret in a data directory; null where there is none. @throws SekishoError `data_directory_unusable` */
export async function keptSecret(dataDir: string): Promise<string | null> {
  const path = join(dataDir, SECRET_FILE);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (isMissing(error)) return null;
    throw unusable(path, error);
  }
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
