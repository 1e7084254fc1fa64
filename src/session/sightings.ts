import type { Clock, Timer } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import type { ReplacedSight, SessionStore, Sight } from '../record/contract.ts';

/** How long sights are collected; with the write that reports them, they are known within a second. */
const REPORT_AFTER_MS = 500;
/** While the record cannot be reached. */
const TRY_AGAIN_AFTER_MS = 1_000;
/** Sights waiting to be reported. More tokens than the cache of verified ones holds: what is left out is seen again. */
const MAX_WAITING = 100_000;
const SIGHTS_A_WRITE = 500;

/** A stolen answer, and where its access token came from, if that is known. */
export interface StolenAnswer extends ReplacedSight {
  readonly ip: string | null;
}

/**
 * First sights of access tokens on this node (docs/refresh.md): which answers of `refresh` reached somebody. Tells
 * a lost answer, which is given again, from one that was delivered.
 */
export interface Sightings {
  /** An access token was verified. Never waits, never throws. */
  note(sight: Sight, ip: string | null): void;
  /** The highest `rot` of a session that was noted and is not yet reported; 0 when there is none. */
  newest(tid: string, sid: string): number;
  /** Reports what was noted, and waits for what follows from it; what cannot be reported is kept. Never rejects. */
  flush(): Promise<void>;
  /** Flushes for the last time. */
  close(): Promise<void>;
}

export interface SightingsOptions {
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly sighted: SessionStore['sighted'];
  /** Ends the session of an answer that was taken for lost and is in use after all. Rejects: it is reported again. */
  readonly stolen: (one: StolenAnswer) => Promise<void>;
  readonly log: Log;
}

interface Waiting extends Sight {
  readonly ip: string | null;
}

/** By session, then by `rot`. */
type Sights = Map<string, Map<number, Waiting>>;

/** @example createSightings({ clock, wallNowMs, sighted: (batch, now) => record.sessions.sighted(batch, now), stolen, log }) */
export function createSightings(options: SightingsOptions): Sightings {
  const { clock, wallNowMs, sighted, stolen, log } = options;
  let waiting: Sights = new Map();
  let reporting: Sights = new Map();
  let size = 0;
  let timer: Timer | null = null;
  let running: Promise<void> = Promise.resolve();
  const ending = new Map<string, Promise<void>>();
  /** Said once, until it is over. */
  let overflowing = false;
  let failing = false;
  let closed = false;

  function arm(delayMs: number): void {
    if (timer !== null || closed) return;
    timer = clock.after(delayMs, () => {
      timer = null;
      void report();
    });
  }

  function keep(one: Waiting): void {
    const name = nameOf(one);
    const ofSession = waiting.get(name) ?? new Map<number, Waiting>();
    if (ofSession.has(one.rot)) return;
    if (size >= MAX_WAITING) {
      if (!overflowing) log.warn({ waiting: size }, 'more sights of tokens than can be kept');
      overflowing = true;
      return;
    }
    ofSession.set(one.rot, one);
    waiting.set(name, ofSession);
    size += 1;
  }

  async function write(): Promise<void> {
    reporting = waiting;
    waiting = new Map();
    size = 0;
    const all = [...reporting.values()].flatMap((ofSession) => [...ofSession.values()]);
    for (let from = 0; from < all.length; from += SIGHTS_A_WRITE) {
      const part = all.slice(from, from + SIGHTS_A_WRITE);
      try {
        const replaced = await sighted(part, wallNowMs());
        for (const one of replaced) end({ ...one, ip: ipOf(one) });
        failing = false;
      } catch (error) {
        if (!failing) log.warn({ err: error }, 'sights of tokens could not be reported; kept');
        failing = true;
        for (const one of all.slice(from)) keep(one);
        break;
      }
    }
    reporting = new Map();
    overflowing = size >= MAX_WAITING;
    if (size > 0) arm(failing ? TRY_AGAIN_AFTER_MS : REPORT_AFTER_MS);
  }

  function ipOf(one: Sight): string | null {
    return reporting.get(nameOf(one))?.get(one.rot)?.ip ?? null;
  }

  /** Ends a session once, however many of its answers were seen, while further sights are reported. */
  function end(one: StolenAnswer): void {
    const name = nameOf(one);
    if (ending.has(name)) return;
    const work = stolen(one)
      .catch((error: unknown) => {
        log.warn(
          { err: error, tenant_id: one.tid, session_id: one.sid },
          'a stolen session could not be ended; tried again',
        );
        keep(one);
        arm(TRY_AGAIN_AFTER_MS);
      })
      .finally(() => ending.delete(name));
    ending.set(name, work);
  }

  /** One write at a time. */
  function report(): Promise<void> {
    running = running.then(write);
    return running;
  }

  async function flush(): Promise<void> {
    await report();
    await Promise.all(ending.values());
  }

  return {
    note(sight, ip) {
      // That a login was answered decides nothing: no earlier token could ask for that answer again.
      if (sight.rot === 0) return;
      const { tid, sid, rot } = sight;
      keep({ tid, sid, rot, ip });
      arm(REPORT_AFTER_MS);
    },
    newest(tid, sid) {
      const name = nameOf({ tid, sid });
      let newest = 0;
      for (const sights of [waiting, reporting]) {
        for (const rot of sights.get(name)?.keys() ?? []) newest = Math.max(newest, rot);
      }
      return newest;
    },
    flush,
    async close() {
      closed = true;
      timer?.cancel();
      await flush();
    },
  };
}

function nameOf({ tid, sid }: Pick<Sight, 'tid' | 'sid'>): string {
  return `${tid}.${sid}`;
}
