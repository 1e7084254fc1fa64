import { statSync } from 'node:fs';
import type { Server } from 'node:net';
import { type Mark, publish } from './lock-marks.ts';
import { insist } from './lock-questions.ts';
import type { SocketDirectory } from './socket-path.ts';

/**
 * How often a holder looks whether its marks are in their place. Each statement of the database looks, too. A starter that
 * finds no proof of the last holder's end waits many times as long (`directory-lock.ts`).
 */
export const LOOK_EVERY_MS = 200;

/** What whoever works in a held directory asks before each step, and is told. */
export interface DirectoryGuard {
  /** True while the marks are in their place; else the answer comes once they were put back, and is false when it is lost. */
  held(): true | Promise<boolean>;
  /** Resolves when the directory is lost: from then on this process must not touch it. */
  readonly lost: Promise<Error>;
}

export interface Keeper extends DirectoryGuard {
  readonly isLost: boolean;
  /** Looks no more. */
  stop(): Promise<void>;
}

/**
 * Keeps the marks of a holder in their place. One that was removed is published anew, and before anything else is done in
 * the directory everybody there is told of it; when another process holds it by then, when the directory was moved, or
 * another one is in its place, or it takes no socket any more, it is lost.
 *
 * @param marks the holder's, replaced in place.
 */
export function keepMarks(
  sockets: SocketDirectory,
  marks: Mark[],
  makeServer: () => Server,
): Keeper {
  const directory = inodeOf(sockets);
  let error: Error | null = null;
  let restoring: Promise<boolean> | null = null;
  let lose = (_error: Error): void => {};
  const lost = new Promise<Error>((resolve) => {
    lose = resolve;
  });
  const timer = setInterval(() => void held(), LOOK_EVERY_MS).unref();

  function held(): true | Promise<boolean> {
    if (error !== null) return Promise.resolve(false);
    if (restoring === null && marks.every((mark) => mark.inPlace())) return true;
    restoring ??= restore().finally(() => {
      restoring = null;
    });
    return restoring;
  }

  async function restore(): Promise<boolean> {
    const why = await whyNotRestored();
    if (why === null) return true;
    clearInterval(timer);
    error = new Error(why);
    lose(error);
    return false;
  }

  async function whyNotRestored(): Promise<string | null> {
    try {
      // The marks may well be there, and only the way to them be gone.
      sockets.reopen();
      if (inodeOf(sockets) !== directory) return 'another directory is in the place of it';
      for (const [at, mark] of marks.entries()) {
        if (mark.inPlace()) continue;
        marks[at] = await publish(sockets, mark.kind, makeServer);
        // What is asked there already is still answered.
        mark.server.close();
      }
      const isOwn = (name: string): boolean => marks.some((mark) => mark.name === name);
      if (!(await insist(sockets, isOwn))) return 'another process has taken it';
      return null;
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : String(cause);
      return `its lock was removed and cannot be put back: ${words}`;
    }
  }

  return {
    held,
    lost,
    get isLost() {
      return error !== null;
    },
    async stop() {
      clearInterval(timer);
      await restoring;
    },
  };
}

function inodeOf(sockets: SocketDirectory): bigint {
  return statSync(sockets.pathOf('.'), { bigint: true }).ino;
}
