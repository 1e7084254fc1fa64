import { z } from 'zod';
import { SekishoError } from '../errors.ts';

/**
 * A query string as an object of strings.
 *
 * @param known names that count; null: all. A name that came twice is refused where it counts (ASVS 15.3.7).
 * @throws SekishoError `invalid_request`
 */
export function readQuery(
  url: string,
  known: readonly string[] | null,
): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const [name, value] of new URL(url).searchParams) {
    if (known !== null && !known.includes(name)) continue;
    if (values.has(name)) {
      throw new SekishoError('invalid_request', 'A query parameter stands there twice.');
    }
    values.set(name, value);
  }
  // Own properties only, `__proto__` too: fromEntries defines, it does not assign (ASVS 15.3.6).
  return Object.fromEntries(values);
}

/** A whole number in a query. */
export function queryInteger(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,10}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({ type: 'integer', pattern: undefined, minimum: min, maximum: max });
}

/** `true` or `false` in a query. */
export function queryFlag() {
  return z
    .enum(['true', 'false', '1', '0'])
    .transform((value) => value === 'true' || value === '1')
    .meta({ type: 'boolean', enum: undefined });
}

/** An RFC 3339 time in a query, as milliseconds since 1970. */
export function queryTime() {
  return z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' }).transform(Date.parse);
}
