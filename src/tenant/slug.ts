import { SekishoError } from '../errors.ts';

/** 1 to 63 of `a-z 0-9 -`, beginning and ending with a letter or digit (a DNS label, RFC 1123 section 2.1). */
const SLUG_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether `value` has the shape of a slug. */
export function isSlug(value: unknown): value is string {
  return typeof value === 'string' && SLUG_PATTERN.test(value);
}

/** @throws SekishoError `validation_failed`, with `pointer`, when `value` is no slug. */
export function parseSlug(value: string, pointer = '/slug'): string {
  if (!isSlug(value)) {
    const detail = 'must be 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit';
    throw new SekishoError('validation_failed', `A slug ${detail}.`, {
      errors: [{ pointer, detail }],
    });
  }
  return value;
}
