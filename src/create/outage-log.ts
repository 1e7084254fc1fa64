import type { Clock } from '../clock.ts';
import { isOutage } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { reasonOf } from '../observe/reason.ts';

/** While it lasts, it is said again that often, with what has been counted meanwhile. */
const AGAIN_MS = 10_000;
/** It is over when something succeeds and nothing has failed for so long: most outages end with some failures more. */
const QUIET_MS = 1_000;

/** Something that is tried again several times a second, and fails for as long as the record is away. */
export interface OutageLog {
  failed(what: string, error: unknown): void;
  succeeded(): void;
}

/** Says once that the record is away, sums up while it is, and says once that it is back. */
export function createOutageLog(log: Log, clock: Clock): OutageLog {
  let began: number | null = null;
  let lastMs = 0;
  let saidMs = 0;
  let failures = 0;

  return {
    failed(rule, error) {
      lastMs = clock.monotonicMs();
      failures += 1;
      if (began !== null && lastMs - saidMs < AGAIN_MS) return;
      const why = isOutage(error) ? { reason: reasonOf(error) } : { err: error };
      if (began === null) {
        began = lastMs;
        log.warn({ rule, ...why }, 'the record could not be asked; tried again');
      } else {
        const lasts = { failures, lasts_ms: Math.round(lastMs - began) };
        log.warn({ rule, ...why, ...lasts }, 'the record still cannot be asked');
      }
      saidMs = lastMs;
    },
    succeeded() {
      if (began === null || clock.monotonicMs() - lastMs < QUIET_MS) return;
      log.info(
        { failures, lasted_ms: Math.round(lastMs - began) },
        'the record can be asked again',
      );
      began = null;
      failures = 0;
    },
  };
}
