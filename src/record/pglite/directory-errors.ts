import { SekishoError } from '../../errors.ts';

/** Who holds a data directory. */
export interface Holder {
  readonly pid: number;
  /** When it took the lock, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Where it serves, as far as it has said so (`serveAt`). */
  readonly address: string | null;
}

/** Somebody holds the directory; null: and does not say who. */
export function inUse(dataDir: string, holder: Holder | null): SekishoError {
  const who =
    holder === null
      ? 'another process, which does not answer'
      : `process ${holder.pid}, since ${new Date(holder.startedAtMs).toISOString()}` +
        (holder.address === null ? '' : `, at ${holder.address}`);
  return new SekishoError(
    'data_directory_in_use',
    `The data directory ${dataDir} is in use by ${who}. Stop it, or use another directory.`,
    holder === null ? {} : { members: { holder } },
  );
}

/** It cannot be used, whoever holds it. */
export function unusable(dataDir: string, cause: unknown): SekishoError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SekishoError(
    'data_directory_unusable',
    `The data directory ${dataDir} cannot be used: ${why}`,
    { cause },
  );
}

/** The database does not start. @param wasThere whether it is one that was in use before */
export function cannotBeOpened(dataDir: string, cause: unknown, wasThere: boolean): SekishoError {
  const why = cause instanceof Error ? cause.message : String(cause);
  // PostgreSQL's own words for what it has found do not come out of PGlite.
  const help =
    ' If there is room on the disk, and this user may write there, its files are damaged, as a power loss leaves them: restore the newest backup with sekisho restore FILE --replace.';
  return new SekishoError(
    'data_directory_unusable',
    `The database in ${dataDir} cannot be opened: ${why}${wasThere ? `.${help}` : ''}`,
    { cause },
  );
}

/** Nobody waits for it any more. */
export function closedWhileStarting(cause: unknown): SekishoError {
  return new SekishoError('not_ready', 'It was closed while it was starting.', { cause });
}

/** The database has died before anything could be asked of it. @param dataDir null: it is in memory. */
export function endedWhileOpening(dataDir: string | null, cause: Error): SekishoError {
  const [code, where] =
    dataDir === null
      ? (['store_unavailable', 'in memory'] as const)
      : (['data_directory_unusable', `in ${dataDir}`] as const);
  return new SekishoError(
    code,
    `The database ${where} ended while it was being opened: ${cause.message}. Nothing that was committed is lost: see to the disk and to what this process may write, then start it again.`,
    { cause },
  );
}
