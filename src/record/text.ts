import { json } from './call.ts';

/**
 * Text as the database can keep it: PostgreSQL has no NUL in text, and half a surrogate pair is no character. Both become
 * U+FFFD, so that what a client sends as its user agent can never make a statement fail.
 */
export function storable(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\uFFFD');
}

/** The same for a value that may be absent. */
export function storableOrNull(text: string | null): string | null {
  return text === null ? null : storable(text);
}

/** JSON text for a `jsonb` parameter, with every string made storable. */
export function storableJson(value: unknown): string {
  return json(clean(value));
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return storable(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [storable(key), clean(inner)]),
  );
}
