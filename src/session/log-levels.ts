import type { LogLevel } from '../log-level.ts';

export { isLogLevel, LOG_LEVELS } from '../log-level.ts';

/** The level at which a log writes, as far as it is ours to change. */
export interface Levels {
  readonly level: LogLevel;
  /** Null: the one that was set for the process. */
  override(level: LogLevel | null): void;
}
