import { type FileHandle, open, rm } from 'node:fs/promises';
import { getSystemErrorMap } from 'node:util';

/** What a command has to say could not be written. */
export class WriteError extends Error {
  override readonly name = 'WriteError';
  /** Whoever read it has gone, as after `| head`: there is nobody left to be told of it. */
  readonly unread: boolean;

  constructor(where: string, cause: NodeJS.ErrnoException) {
    super(`${where} cannot be written: ${reasonOf(cause)}.`, { cause });
    this.unread = cause.code === 'EPIPE';
  }
}

/** Takes a piece of a long answer; resolves when there may be another. @throws WriteError */
export type Put = (text: string) => Promise<void>;

/** To standard output, no faster than it is read. */
export const putOut: Put = async (text) => {
  if (text === '') return;
  const { stdout } = process;
  try {
    await new Promise<void>((resolve, reject) => {
      stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    // After the first failure the stream is closed, and the others say no more than that.
    throw new WriteError('Standard output', stdout.errored ?? (error as Error));
  }
};

/**
 * Writes a new file, readable for its owner alone, and flushes it to the disk. When anything fails, nothing is left of it.
 *
 * @throws WriteError also when there is something of that name: nothing is overwritten. And what `use` throws.
 */
export async function toNewFile<Result>(
  path: string,
  use: (put: Put) => Promise<Result>,
): Promise<Result> {
  const told = (cause: unknown): never => {
    throw new WriteError(path, cause as NodeJS.ErrnoException);
  };
  const file: FileHandle = await open(path, 'wx', 0o600).catch(told);
  try {
    const result = await use((text) => file.writeFile(text).catch(told));
    await file.sync().catch(told);
    await file.close().catch(told);
    return result;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(path, { force: true });
    throw error;
  }
}

/** `no space left on device (ENOSPC)` */
function reasonOf({ code, errno, message }: NodeJS.ErrnoException): string {
  const [, words] = getSystemErrorMap().get(errno ?? 0) ?? [];
  return words === undefined || code === undefined ? message : `${words} (${code})`;
}
