/**
 * Where Sekisho logs to; a pino logger is one. `fields` never hold a token, a password or a hash: what is logged is ids,
 * codes and durations.
 */
export interface Log {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  /**
   * The same log at the level that was set for the process, whatever level the record decides on for a while: whoever can write
   * to the record must not silence what is a witness of it. Absent: nobody else changes the level.
   */
  readonly steady?: Log;
}

/** Logs nothing. */
export const silentLog: Log = Object.freeze({
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
});
