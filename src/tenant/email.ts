import { SekishoError } from '../errors.ts';

/** Longest address, in characters (RFC 5321 section 4.5.3.1.3 leaves 254). */
export const MAX_EMAIL_LENGTH = 254;

/** Blanks, line breaks, control and format characters, halves of surrogate pairs. */
const UNFIT = /[\p{Z}\p{Cc}\p{Cf}\p{Cs}]/u;

/**
 * The one form in which addresses are compared and stored: NFC, lower case. Nothing is trimmed, and nothing is asked of
 * the domain, not even a dot (`admin@localhost`).
 *
 * @returns null unless it has exactly one `@` with something on both sides, no blanks or control characters, and at most
 *   254 characters.
 */
export function normaliseEmail(value: string): string | null {
  if (value.length > MAX_EMAIL_LENGTH) {
    return null;
  }
  // Lower case can undo NFC and the other way round; twice is enough to stand still.
  const once = value.normalize('NFC').toLowerCase().normalize('NFC');
  const email = once.toLowerCase().normalize('NFC');
  const at = email.indexOf('@');
  if (at < 1 || at === email.length - 1 || at !== email.lastIndexOf('@')) {
    return null;
  }
  return email.length > MAX_EMAIL_LENGTH || UNFIT.test(email) ? null : email;
}

/** @throws SekishoError `validation_failed`, with `pointer`, when `value` is no e-mail address. */
export function parseEmail(value: string, pointer = '/email'): string {
  const email = normaliseEmail(value);
  if (email === null) {
    const detail = `must be an e-mail address: one @, no spaces, at most ${MAX_EMAIL_LENGTH} characters`;
    const words = `An e-mail address has one @, no spaces, and at most ${MAX_EMAIL_LENGTH} characters.`;
    throw new SekishoError('validation_failed', words, { errors: [{ pointer, detail }] });
  }
  return email;
}
