import type { Clock, Timer } from '../clock.ts';
import type { SeenTime } from '../hub/seen-contract.ts';
import type { SeenDestination } from './seen.ts';

/** How often last-seen times are written. */
const FLUSH_EVERY_MS = 5_000;
/** Sessions whose last-seen waits to be written; reaching it writes at once. */
const MAX_WAITING = 100_000;

/** What a session's holder keeps of its activity: noting it again inside one batch costs two comparisons. */
export interface ActivityMark {
  readonly tid: string;
  readonly sid: string;
  atMs: number;
  batch: number;
}

/**
 * Last-seen times, collected and written together (docs/decisions/0014). Only authenticated requests move them; a refresh
 * is no evidence of presence.
 */
export interface Activity {
  mark(tid: string, sid: string): ActivityMark;
  /** The mark's session was seen at `nowMs`. Never waits, never throws. */
  note(mark: ActivityMark, nowMs: number): void;
  /** Writes what was collected; what cannot be written is kept for the next time. */
  flush(): Promise<void>;
  /** Flushes for the last time. */
  close(): Promise<void>;
}

export interface ActivityOptions {
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly destination: SeenDestination;
}

/** @example createActivity({ clock, wallNowMs, destination: recordDestination({ sweep, touch, memberId, log }) }) */
export function createActivity(options: ActivityOptions): Activity {
  const { clock, wallNowMs, destination } = options;
  let marks: ActivityMark[] = [];
  let batch = 1;
  let kept = new Map<string, SeenTime>();
  let overflowed = false;
  let timer: Timer | null = null;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  function arm(): void {
    if (closed) return;
    timer = clock.after(FLUSH_EVERY_MS, () => {
      void flush().then(arm);
    });
  }

  /** Takes what was collected so far: the newest time of each session, with what an earlier write had to leave. */
  function take(): Map<string, SeenTime> {
    const seen = kept;
    kept = new Map();
    for (const mark of marks) {
      const name = `${mark.tid}.${mark.sid}`;
      const before = seen.get(name);
      if (before === undefined || before.atMs < mark.atMs) {
        seen.set(name, { tid: mark.tid, sid: mark.sid, atMs: mark.atMs });
      }
    }
    marks = [];
    batch += 1;
    return seen;
  }

  async function write(): Promise<void> {
    // The time is read before the batch is taken: whoever is seen after it is in the next one.
    const throughMs = wallNowMs();
    const dropped = overflowed;
    overflowed = false;
    const seen = [...take().values()];
    const left = await destination.write({ seen, throughMs, dropped, last: closed });
    for (const one of left) kept.set(`${one.tid}.${one.sid}`, one);
  }

  function flush(): Promise<void> {
    running = running.then(write);
    return running;
  }

  arm();
  return {
    mark: (tid, sid) => ({ tid, sid, atMs: 0, batch: 0 }),
    note(mark, nowMs) {
      mark.atMs = nowMs;
      if (mark.batch === batch) return;
      if (marks.length + kept.size >= MAX_WAITING) {
        // Left out: idleness is judged as after a loss.
        overflowed = true;
        return;
      }
      mark.batch = batch;
      marks.push(mark);
      if (marks.length === MAX_WAITING) void flush();
    },
    flush,
    async close() {
      closed = true;
      timer?.cancel();
      await flush();
    },
  };
}
