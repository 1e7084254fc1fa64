import type { LogLevel } from '../config.ts';

/** The level of a log at run time: what was set for this process, unless an operator has decided otherwise for a while. */
export interface LogLevels {
  /** What is in force. */
  readonly level: LogLevel;
  /** For as long as no override is in force. */
  set(level: LogLevel): void;
  /** Null: none. */
  override(level: LogLevel | null): void;
}

/**
 * @param log its `steady` part follows what is set, and no override.
 * @example createLevels(logger).override('debug')
 */
export function createLevels(log: {
  level: LogLevel;
  readonly steady?: { level: LogLevel };
}): LogLevels {
  let own = log.level;
  let above: LogLevel | null = null;
  const apply = (): void => {
    log.level = above ?? own;
  };
  return {
    get level() {
      return log.level;
    },
    set(level) {
      own = level;
      if (log.steady !== undefined) log.steady.level = level;
      apply();
    },
    override(level) {
      above = level;
      apply();
    },
  };
}
