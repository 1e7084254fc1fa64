import type { Clock, Timer } from '../../clock.ts';
import type { RedisLink } from './link.ts';

/** What waits for Redis to be back; beyond it the oldest is dropped, and its keys' time to live must do. */
const MOST_WAITING = 10_000;
/** Between two tries while something waits: a Redis that only stood still makes no new connection. */
const RETRY_EVERY_MS = 1_000;

/** Writes to Redis that must not be forgotten just because Redis is away. */
export interface Repairs {
  /** Carries `work` out when Redis answers again. A newer one of the same name takes its place. */
  later(name: string, work: () => Promise<void>): void;
  waiting(): number;
  close(): void;
}

export function createRepairs(link: RedisLink, clock: Clock): Repairs {
  const works = new Map<string, () => Promise<void>>();
  let timer: Timer | null = null;
  let running = false;
  let closed = false;

  async function run(): Promise<void> {
    if (running || closed || !link.connected()) return;
    running = true;
    try {
      for (const [name, work] of works) {
        await work();
        // Unless a newer one has taken its place meanwhile.
        if (works.get(name) === work) works.delete(name);
      }
    } catch {
      // Redis is away again; the rest waits for the next time.
    } finally {
      running = false;
    }
  }

  function arm(): void {
    if (timer !== null || closed) return;
    timer = clock.after(RETRY_EVERY_MS, () => {
      timer = null;
      void run().finally(() => {
        if (works.size > 0) arm();
      });
    });
  }

  const remove = link.onConnected(() => void run());
  return {
    later(name, work) {
      works.delete(name);
      works.set(name, work);
      if (works.size > MOST_WAITING) {
        const [oldest] = works.keys();
        if (oldest !== undefined) works.delete(oldest);
      }
      arm();
    },
    waiting: () => works.size,
    close() {
      closed = true;
      timer?.cancel();
      works.clear();
      remove();
    },
  };
}
