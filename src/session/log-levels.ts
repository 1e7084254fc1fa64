import type { LogLevel } from '../config.ts';

/** All of them, by the type: one that is missing here or there does not compile. */
const LEVELS: Readonly<Record<LogLevel, true>> = Object.freeze({
  trace: true,
  debug: true,
  info: true,
  warn: true,
  error: true,
  fatal: true,
  silent: true,
});

/** From most to least. */
export const LOG_LEVELS = Object.keys(LEVELS) as readonly LogLevel[];

export function isLogLevel(text: string): text is LogLevel {
  return Object.hasOwn(LEVELS, text);
}

/** The level at which a log writes, as far as it is ours to change. */
export interface Levels {
  readonly level: LogLevel;
  /** Null: the one that was set for the process. */
  override(level: LogLevel | null): void;
}
