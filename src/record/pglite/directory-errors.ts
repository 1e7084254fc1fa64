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
