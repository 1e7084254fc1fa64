import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { isOutage, SekishoError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { reasonOf } from '../observe/reason.ts';
import type { FollowerEvent } from '../revocation/events.ts';
import type { Revocation } from '../session/contract.ts';
import type { Levels } from '../session/log-levels.ts';
import { type OpenEngine, openEngine } from './open.ts';
import { answerCommands, commandsOf } from './operator-commands.ts';
import { openRecord } from './record.ts';

/** Between two tries to reach a database; doubled up to the last. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
/** How often it is said that the database is still away. */
const SAY_AGAIN_MS = 10_000;

export interface Opening {
  readonly log: Log;
  readonly levels: Levels | null;
  readonly clock: Clock;
  readonly onEvent: (event: FollowerEvent) => void;
  readonly onRevocation: (revocation: Revocation) => void;
  /** Ends the tries; what was opened is closed. */
  readonly signal: AbortSignal;
  /** Whether it is for one command. Default: for as long as a server runs. */
  readonly brief?: boolean;
}

/** Opens record and engine. */
export type Open = (config: Config, opening: Opening) => Promise<OpenEngine>;

export interface Patience {
  /** How long a database that cannot be reached is tried again. Default: for as long as nobody gives up. */
  readonly patienceMs?: number;
  /** What is tried. Default: `openOnce`. */
  readonly attempt?: () => Promise<OpenEngine>;
}

/**
 * Opens record and engine. A database that cannot be reached is tried again for as long as nobody gives up; everything
 * else that is wrong stops the start.
 *
 * @throws SekishoError `invalid_configuration`, `data_directory_in_use`, `data_directory_unusable`, `not_ready` when it
 *   was aborted, `store_unavailable` when `patienceMs` are over.
 */
export async function openPatiently(
  config: Config,
  opening: Opening,
  {
    patienceMs = Number.POSITIVE_INFINITY,
    attempt = () => openOnce(config, opening),
  }: Patience = {},
): Promise<OpenEngine> {
  const { log, clock, signal } = opening;
  const endMs = clock.monotonicMs() + patienceMs;
  let saidMs = Number.NEGATIVE_INFINITY;
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
    if (signal.aborted) throw aborted();
    try {
      return await attempt();
    } catch (error) {
      if (config.record.kind !== 'postgres' || !isOutage(error)) throw error;
      if (clock.monotonicMs() + waitMs > endMs) throw error;
      if (clock.monotonicMs() - saidMs >= SAY_AGAIN_MS) {
        saidMs = clock.monotonicMs();
        log.warn({ reason: reasonOf(error) }, 'the database cannot be reached; tried again');
      }
    }
    await pause(waitMs, signal);
  }
}

/** One try. @throws SekishoError as `openPatiently`, and `store_unavailable` */
export async function openOnce(config: Config, opening: Opening): Promise<OpenEngine> {
  const { signal } = opening;
  const { record, secret, lock } = await openRecord(config, opening);
  lock?.answer(() => NOT_READY);
  const exclusive = config.record.kind !== 'postgres';
  const open = await openEngine({ record, secret, config, exclusive, ...opening });
  if (signal.aborted) {
    await open.close();
    throw aborted();
  }
  lock?.answer(answerCommands((by) => commandsOf(open.engine, by)));
  return open;
}

/** What a command of another process is answered that comes before the engine is open; it tries again. */
const NOT_READY = Object.freeze({
  error: Object.freeze({ code: 'not_ready', message: 'The server is starting.' }),
});

/** Keeps the process alive: a start that waits for its database must not end in silence. Ends early when aborted. */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch(() => {});
}

function aborted(): SekishoError {
  return new SekishoError('not_ready', 'It was closed while it was starting.', {
    retryAfterSeconds: 1,
  });
}
