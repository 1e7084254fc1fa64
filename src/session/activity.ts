import type { Clock, Timer } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import type { SessionStore } from '../record/contract.ts';

/** How often last-seen times are written. */
const FLUSH_EVERY_MS = 5_000;
/** Sessions whose last-seen waits to be written; reaching it writes at once. */
const MAX_WAITING = 100_000;
const SESSIONS_A_WRITE = 500;

/** What a session's holder keeps of its activity: noting it again inside one batch costs two comparisons. */
export interface ActivityMark {
  readonly tid: string;
  readonly sid: string;
  atMs: number;
  batch: number;
}

/**
 * Last-seen times, collected and written together (architecture section 5). Only authenticated requests move them; a
 * refresh is no evidence of presence.
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
  readonly touch: SessionStore['touch'];
  readonly log: Log;
  /**
   * How far behind the present the time lies up to which last-seen is known to have been written: 0 where this node is
   * the only one, else enough for the others to have written theirs. Idleness is judged against that time.
   */
  readonly lagMs: number;
}

interface Seen {
  readonly tid: string;
  readonly sid: string;
  readonly atMs: number;
}

/** @example createActivity({ clock, wallNowMs, touch: record.sessions.touch, log, lagMs: 0 }) */
export function createActivity(options: ActivityOptions): Activity {
  const { clock, wallNowMs, touch, log, lagMs } = options;
  let marks: ActivityMark[] = [];
  let batch = 1;
  let kept = new Map<string, Seen>();
  let sweptThroughMs = 0;
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
  function take(): Map<string, Seen> {
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
    const throughMs = overflowed ? sweptThroughMs : Math.max(sweptThroughMs, wallNowMs() - lagMs);
    const seen = take();
    const all = [...seen.values()];
    let from = 0;
    try {
      do {
        const part = all.slice(from, from + SESSIONS_A_WRITE);
        const isLast = from + SESSIONS_A_WRITE >= all.length;
        // The time up to which all is written moves with the last part only.
        await touch(part, isLast ? throughMs : sweptThroughMs);
        from += SESSIONS_A_WRITE;
      } while (from < all.length);
      sweptThroughMs = throughMs;
      overflowed = false;
    } catch (error) {
      log.warn({ err: error, sessions: all.length - from }, 'last-seen could not be written; kept');
      for (const one of all.slice(from)) kept.set(`${one.tid}.${one.sid}`, one);
    }
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
        // Left out of this batch, so idleness must not be judged by it.
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
