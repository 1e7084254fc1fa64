import type { Clock, Timer } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import { auditEvent } from './event.ts';
import type { AuditAction, NewAuditEvent } from './types.ts';

/** How long occurrences of one kind are counted together before they become one row. */
const WINDOW_MS = 60_000;
/** Kinds counted at once; what comes beyond is counted under one kind of its own, so that memory stays bounded. */
const MAX_KINDS = 1_000;
/** Rows kept while the record cannot be reached; older ones give way. */
const MAX_UNWRITTEN = 2_000;
const ROWS_A_WRITE = 100;
/** A row that waited for longer is dated anew: rows of long ago at the end of a trail look like forged ones (MISDATED_MS). */
const DATED_ANEW_AFTER_MS = 300_000;

/** What is counted together: nothing but `tid`, `action` and `code` when `key` is absent. */
export interface TallyKind {
  readonly action: AuditAction;
  readonly tid: string | null;
  readonly code: string;
  /** Counts apart what has another key, such as a session's id. */
  readonly key?: string;
}

/**
 * Counts what anybody can cause as often as they like (refused tokens, denied requests, limited logins), so that a flood
 * of it becomes a row a minute and cannot fill the disk.
 */
export interface Tally {
  /**
   * Counts one occurrence, without waiting for anything. With `first`, the first occurrence of its kind in a window is
   * written at once as that row, with who and where, and the row at the end of the window counts only the others.
   */
  count(kind: TallyKind, first?: () => NewAuditEvent): void;
  /** Writes what was counted; what cannot be written is kept for the next time. */
  flush(): Promise<void>;
  /** Flushes for the last time. */
  close(): Promise<void>;
}

export interface TallyOptions {
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly write: (events: readonly NewAuditEvent[]) => Promise<void>;
  readonly log: Log;
}

interface Counter extends TallyKind {
  readonly sinceMs: number;
  count: number;
}

/** @example createTally({ clock, wallNowMs, write: (rows) => record.audit.append(rows), log }) */
export function createTally(options: TallyOptions): Tally {
  const { clock, wallNowMs, write, log } = options;
  const counters = new Map<string, Counter>();
  let unwritten: NewAuditEvent[] = [];
  let timer: Timer | null = null;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  function arm(): void {
    if (timer !== null || closed) return;
    timer = clock.after(WINDOW_MS, () => {
      timer = null;
      void flush();
    });
  }

  function counterOf(kind: TallyKind): { counter: Counter; isFirst: boolean } {
    const name = `${kind.action}\n${kind.tid ?? ''}\n${kind.code}\n${kind.key ?? ''}`;
    const known = counters.get(name);
    if (known !== undefined) return { counter: known, isFirst: false };
    if (counters.size >= MAX_KINDS) {
      const rest = `${kind.action}\n\n\n`;
      const overflow = counters.get(rest) ?? {
        action: kind.action,
        tid: null,
        code: 'several',
        sinceMs: wallNowMs(),
        count: 0,
      };
      counters.set(rest, overflow);
      return { counter: overflow, isFirst: false };
    }
    const counter = { ...kind, sinceMs: wallNowMs(), count: 0 };
    counters.set(name, counter);
    return { counter, isFirst: true };
  }

  function rowOf(counter: Counter): NewAuditEvent {
    return auditEvent({
      tid: counter.tid,
      atMs: Math.floor(wallNowMs()),
      action: counter.action,
      outcome: 'failure',
      detail: {
        code: counter.code,
        count: counter.count,
        since: new Date(counter.sinceMs).toISOString(),
      },
    });
  }

  /** As it was, or of now when it waited for long: then it says when it happened. */
  function datedNow(row: NewAuditEvent): NewAuditEvent {
    const nowMs = Math.floor(wallNowMs());
    if (nowMs - row.atMs <= DATED_ANEW_AFTER_MS) return row;
    const detail = { ...row.detail, happened_at: new Date(row.atMs).toISOString() };
    return Object.freeze({ ...row, atMs: nowMs, detail: Object.freeze(detail) });
  }

  async function drain(): Promise<void> {
    while (unwritten.length > 0) {
      const rows = unwritten.slice(0, ROWS_A_WRITE);
      try {
        await write(rows.map(datedNow));
      } catch (error) {
        log.warn({ err: error, rows: unwritten.length }, 'audit rows could not be written; kept');
        unwritten = unwritten.slice(-MAX_UNWRITTEN);
        arm();
        return;
      }
      const written = new Set(rows);
      unwritten = unwritten.filter((row) => !written.has(row));
    }
  }

  /** One write at a time: rows are taken off the list only when they were written. */
  function startDrain(): Promise<void> {
    running = running.then(drain);
    return running;
  }

  function flush(): Promise<void> {
    for (const counter of counters.values()) {
      if (counter.count > 0) unwritten.push(rowOf(counter));
    }
    counters.clear();
    return startDrain();
  }

  return {
    count(kind, first) {
      const { counter, isFirst } = counterOf(kind);
      if (isFirst && first !== undefined) {
        unwritten.push(first());
        void startDrain();
      } else {
        counter.count += 1;
      }
      arm();
    },
    flush,
    async close() {
      closed = true;
      timer?.cancel();
      timer = null;
      await flush();
    },
  };
}
