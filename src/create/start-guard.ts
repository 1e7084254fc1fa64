import type { Config } from '../config.ts';
import { SekishoError } from '../errors.ts';
import { endedWhileOpening } from '../record/pglite/directory-errors.ts';

/** Ends a start that nothing can come of any more. */
export interface StartGuard {
  /**
   * What `work` comes to. Rejects as soon as the start was aborted, or its database has ended; `work` is left to itself
   * then, so it must hold nothing that somebody has to close.
   */
  unlessOver<Result>(work: Promise<Result>): Promise<Result>;
  /** Why the database has ended, in words for whoever has started it; null while it lives. */
  crash(): SekishoError | null;
  /** The start is over: the signal, which lives as long as the instance, holds nothing of it. */
  release(): void;
}

export interface StartGuardOptions {
  readonly place: Config['record'];
  /** Of the embedded record. */
  readonly crashed: Promise<Error> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** JOIN waits for the record for as long as it takes, and one that has ended never comes back. */
export function guardStart({ place, crashed, signal }: StartGuardOptions): StartGuard {
  let crash: SekishoError | null = null;
  let end = (_error: SekishoError): void => {};
  const over = new Promise<never>((_, reject) => {
    end = reject;
  });
  // It may end while nobody waits.
  over.catch(() => {});
  void crashed?.then((cause) => {
    crash = endedWhileOpening(place.kind === 'embedded' ? place.dataDir : null, cause);
    end(crash);
  });
  const aborted = (): void =>
    end(new SekishoError('not_ready', 'It was closed while it was starting.'));
  if (signal?.aborted === true) aborted();
  signal?.addEventListener('abort', aborted);
  return {
    unlessOver: (work) => Promise.race([work, over]),
    crash: () => crash,
    release: () => signal?.removeEventListener('abort', aborted),
  };
}
