import type { Clock, Timer } from '../clock.ts';
import type { LogLevel } from '../config.ts';
import type { Hub } from '../hub/contract.ts';
import { newId } from '../id.ts';
import type { Log } from '../observe/log.ts';
import type { OperationsState, OperationsStore } from '../record/operations-contract.ts';
import type { LimitOverride } from '../tenant/login-limit.ts';
import { isLogLevel, type Levels, LOG_LEVELS } from './log-levels.ts';
import type { Pause } from './pause.ts';

/** How long a decision may be unknown here when the hub does not tell of it. */
const LOOK_EVERY_MS = 5_000;
const LEVEL_CHANGED = 'the level of this log has changed';
/** Events of no tenant have this one: it is no tenant's id. */
const NO_TENANT = 'operations';

export interface OperationsOptions {
  readonly store: OperationsStore;
  readonly hub: Hub;
  readonly pause: Pause;
  /** Null: a logger of the program's own. */
  readonly levels: Levels | null;
  readonly memberId: () => string;
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly log: Log;
}

/** What operators have decided, as this node knows it (docs/operations.md). */
export interface Operations {
  /** The login limits that hold for everybody at present; null: none. The record knows it too, and at once. */
  limits(): LimitOverride | null;
  /** Asks the record now, and takes in what is new. @throws what the record throws. */
  look(): Promise<OperationsState>;
  /** Tells the other nodes that there is something new. May be lost: they look by themselves. */
  announce(): void;
  close(): Promise<void>;
}

/**
 * Looks every few seconds, and at once when the hub tells, at what operators have decided; carries out what a node has to
 * (the level of its log, the pause of clean-up), and says in the record up to where it has. What judges sessions is judged
 * in the record, and does not wait for this.
 */
export function createOperations(options: OperationsOptions): Operations {
  const { store, hub, pause, levels, memberId, clock, wallNowMs, log } = options;
  let state: OperationsState | null = null;
  let told = '';
  let closed = false;
  let looking: Promise<unknown> | null = null;
  let timer: Timer | null = null;
  let ending: Timer | null = null;

  function inForce(): OperationsState['overrides'] {
    const nowMs = wallNowMs();
    return (state?.overrides ?? []).filter(({ untilMs }) => untilMs === null || untilMs > nowMs);
  }

  /** One for this node goes before one for all. */
  function levelNow(): LogLevel | null {
    const ofLevel = inForce().flatMap((one) => (one.kind === 'log_level' ? [one] : []));
    const chosen =
      ofLevel.find(({ node }) => node === memberId()) ?? ofLevel.find(({ node }) => node === null);
    const level = chosen?.value.level;
    return level !== undefined && isLogLevel(level) ? level : null;
  }

  function apply(): void {
    if (levels === null) return;
    const before = levels.level;
    levels.override(levelNow());
    if (levels.level !== before) {
      const fields = { before, now: levels.level };
      const isQuiet = LOG_LEVELS.indexOf(levels.level) > LOG_LEVELS.indexOf('info');
      // Whoever silences a log does not do it unseen.
      if (isQuiet) (log.steady ?? log).warn(fields, LEVEL_CHANGED);
      else log.info(fields, LEVEL_CHANGED);
    }
    ending?.cancel();
    ending = null;
    const ends = inForce().flatMap(({ kind, untilMs }) =>
      kind === 'log_level' && untilMs !== null ? [untilMs] : [],
    );
    // Whatever ends later is looked at again by then.
    const inMs = Math.min(...ends) - wallNowMs();
    if (inMs < LOOK_EVERY_MS) ending = clock.after(Math.max(0, Math.ceil(inMs)), apply);
  }

  async function look(): Promise<OperationsState> {
    const seen = await store.state(wallNowMs());
    // Two looks may end in the order other than that in which they began.
    if (state === null || seen.version >= state.version) state = seen;
    if (closed) return seen;
    pause.learn(state.pause !== null);
    apply();
    const { version } = state;
    const level = levels?.level ?? null;
    const telling = `${memberId()} ${version} ${level}`;
    if (telling !== told) {
      await store.see(memberId(), version, level);
      told = telling;
    }
    return seen;
  }

  function lookQuietly(): Promise<unknown> {
    // The record is away, and with it whoever would decide something: what was decided goes on, and ends in time.
    looking = look().catch((error: unknown) => {
      log.debug({ err: error }, 'what operators have decided could not be asked for');
      if (!closed) apply();
    });
    return looking;
  }

  function arm(): void {
    if (closed) return;
    timer = clock.after(LOOK_EVERY_MS, () => {
      void lookQuietly().then(arm);
    });
  }

  const stop = hub.onEvent((event) => {
    if (event.type === 'operations.changed' && !closed) void lookQuietly();
  });
  void lookQuietly().then(arm);

  return {
    limits: () => inForce().find((one) => one.kind === 'limits')?.value ?? null,
    look,
    announce() {
      const at = new Date(wallNowMs()).toISOString();
      const subject = {};
      const type = 'operations.changed';
      hub.publish({ id: newId(), tid: NO_TENANT, type, at, subject, detail: {} });
    },
    async close() {
      closed = true;
      stop();
      timer?.cancel();
      ending?.cancel();
      await looking;
    },
  };
}
