import { destination, pino } from 'pino';
import type { LogLevel } from '../config.ts';
import type { Log } from './log.ts';

/** A log whose level can be changed while it runs (A8). */
export interface LevelledLog extends Log {
  level: LogLevel;
}

/**
 * JSON lines on stderr: stdout belongs to what a command answers. Written synchronously, so that the last line before an
 * end is there.
 *
 * @param write where lines go instead, for tests.
 */
export function createLogger(level: LogLevel, write?: (line: string) => void): LevelledLog {
  const out = write === undefined ? destination({ dest: 2, sync: true }) : { write };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    out,
  );
  return {
    get level() {
      return logger.level as LogLevel;
    },
    set level(next) {
      logger.level = next;
    },
    error: (fields, message) => logger.error(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    info: (fields, message) => logger.info(fields, message),
    debug: (fields, message) => logger.debug(fields, message),
  };
}
