import type { SweepProgress, SweepServers } from '../record/sweep-contract.ts';

/** When a session was last seen, wall milliseconds. */
export interface SeenTime {
  readonly tid: string;
  readonly sid: string;
  readonly atMs: number;
}

/**
 * Where nodes leave last-seen times until one of them sweeps them into the record (docs/decisions/0014). Everything in it
 * may vanish at any moment; what it owes is that this is noticed.
 */
export interface SeenHub {
  /** Whether it can be written to at present, as far as is known. */
  connected(): boolean;
  /**
   * Adds last-seen times, none of which moves one back, unless that lies above `latestMs`, where none can be. Leaves a
   * mark: all that this node noted up to `throughMs` is written; a null leaves none. Never rejects.
   */
  write(
    memberId: string,
    times: { readonly throughMs: number | null; readonly latestMs: number },
    seen: readonly SeenWithLife[],
  ): Promise<SeenWritten>;
  /** A loss that `write` reported is in the record: marks may be left again. */
  lossNoted(): void;
  /** Begins sweep `number`: leaves its marker and reads the marks. @throws when any part cannot be reached. */
  begin(number: number): Promise<SeenSweep>;
  /** Removes the marks of members that are gone. */
  forget(memberIds: readonly string[]): Promise<void>;
}

export interface SeenWithLife extends SeenTime {
  /** How long the hub keeps it: the session's idle time-out and some more. */
  readonly lifeMs: number;
}

export interface SeenWritten {
  /** What may not have been written; writing it again does no harm. */
  readonly unwritten: readonly SeenTime[];
  /** Something that this node wrote before is gone. No marks are left until `lossNoted`. */
  readonly lost: boolean;
}

/** One sweep over everything that is there. */
export interface SeenSweep {
  /** The marker that was found: that of the last sweep, or an older one, or 0, when something was lost since. */
  readonly marker: number;
  /** Up to when each member has written what it noted; of members without a mark nothing is known. */
  readonly through: ReadonlyMap<string, number>;
  readonly servers: SweepServers;
  readonly progress: Omit<SweepProgress, 'swept'>;
  /** Reads the next batch; null when there is none. @throws when it cannot be reached: it may be asked again. */
  next(): Promise<readonly SeenTime[] | null>;
  /**
   * Whether what was read is everything that was there at the beginning. `moved`: other servers, or other places on them;
   * sweep again. `lost`: something has gone meanwhile.
   */
  verify(): Promise<'whole' | 'moved' | 'lost'>;
}
