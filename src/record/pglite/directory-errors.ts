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
