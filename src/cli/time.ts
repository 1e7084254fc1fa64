import { type Call, optional, UsageError } from './command.ts';

/** RFC 3339, with the offset spelt out; seconds may be left out. Or a date. */
const TIME =
  /^(\d{4}-\d\d-\d\d)(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * The value of an option as a time, milliseconds since 1970, or null: RFC 3339 with its offset, such as `2030-01-31T06:00Z`
 * (seconds may be left out), or a date, which begins in UTC.
 *
 * @throws UsageError
 */
export function time(call: Call, name: string): number | null {
  const text = optional(call, name);
  if (text === null) return null;
  const [, date] = TIME.exec(text) ?? [];
  const ms = date === undefined || !isDay(date) ? Number.NaN : Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw new UsageError(
    `--${name} must be a time with its offset, such as 2030-01-31T06:00Z, or a date`,
  );
}

/** Whether there is such a day: `Date` takes the 31st of February for the 3rd of March. */
function isDay(date: string): boolean {
  const ms = Date.parse(date);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}
