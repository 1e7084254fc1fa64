import { destination, type Logger, type LoggerOptions, pino } from 'pino';
import { cleanText } from '../audit/event.ts';
import type { LogLevel } from '../config.ts';
import type { Log } from './log.ts';
import { redacted } from './redact.ts';

/** A log whose level can be changed while it runs (A8). */
export interface LevelledLog extends Log {
  level: LogLevel;
  readonly steady: Log & { level: LogLevel };
}

/**
 * JSON lines on stderr: stdout belongs to what a command answers. Written synchronously, so that the last line before an
 * end is there. No line ever holds a token, a password or a hash: `redacted` sees everything first (ASVS 16.2.5), and a
 * message can forge no other line (ASVS 16.4.1).
 *
 * @param write where lines go instead, for tests.
 */
export function createLogger(level: LogLevel, write?: (line: string) => void): LevelledLog {
  const out = write === undefined ? destination({ dest: 2, sync: true }) : { write };
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // `redacted` has made a plain object of it, which pino's own would take for an error of type Object.
    serializers: { err: (described: unknown) => described },
  };
  // A child of the same level would follow that of its parent.
  return Object.assign(levelled(pino(options, out)), { steady: levelled(pino(options, out)) });
}

function levelled(logger: Logger): Log & { level: LogLevel } {
  // What a level leaves out is not looked at.
  const writeAt =
    (at: 'error' | 'warn' | 'info' | 'debug') => (fields: object, message: string) => {
      if (logger.isLevelEnabled(at)) logger[at](redacted(fields), cleanText(message));
    };
  return {
    get level() {
      return logger.level as LogLevel;
    },
    set level(next) {
      logger.level = next;
    },
    error: writeAt('error'),
    warn: writeAt('warn'),
    info: writeAt('info'),
    debug: writeAt('debug'),
  };
}
