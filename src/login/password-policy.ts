import { type FieldError, SekishoError } from '../errors.ts';
import { COMMON_WORDS, NUMBERS } from './common-passwords.ts';

/** Bounds in characters (code points) after NFC (ASVS 6.2.1, 6.2.9; NIST SP 800-63B-4 section 3.1.1.2). */
const MIN_PASSWORD_LENGTH = 8;
const MAX_PASSWORD_LENGTH = 256;

/** Context words shorter than this are in too many good passwords to be refused. */
const MIN_CONTEXT_LENGTH = 3;

/** Digits and signs beside a common word; with more than these it is no longer one of those that are guessed first. */
const MAX_DECORATION = 8;

/** Whom the password is for: what a guesser would try for this account. */
export interface PasswordContext {
  /** Slug. */
  readonly tenant?: string;
  readonly email?: string;
}

/** Why a password is refused, or null when it is good. */
export type PasswordFault =
  | 'too_short'
  | 'too_long'
  | 'blank'
  | 'common'
  | 'repetitive'
  | 'context';

const DETAILS: Readonly<Record<PasswordFault, string>> = {
  too_short: `must have at least ${MIN_PASSWORD_LENGTH} characters`,
  too_long: `must have at most ${MAX_PASSWORD_LENGTH} characters`,
  blank: 'must not consist of blanks',
  common: 'is one of the passwords that are guessed first',
  repetitive: 'must not be a repetition or a sequence',
  context: 'must not be made from the e-mail address, the tenant or the name of this software',
};

/**
 * Judges a new password (ASVS 6.2.1, 6.2.4, 6.2.5, 6.2.9, 6.2.11): 8 to 256 characters, not common, no plain repetition
 * or sequence, not made from the account's own words. It asks for no kinds of characters.
 */
export function faultOf(password: string, context: PasswordContext = {}): PasswordFault | null {
  const normal = password.normalize('NFC');
  const length = [...normal].length;
  if (length < MIN_PASSWORD_LENGTH || length > MAX_PASSWORD_LENGTH) {
    return length < MIN_PASSWORD_LENGTH ? 'too_short' : 'too_long';
  }
  if (/^\s*$/u.test(normal)) {
    return 'blank';
  }
  const lower = normal.toLowerCase();
  if (isRepetitive(lower)) {
    return 'repetitive';
  }
  if (isCommon(lower)) {
    return 'common';
  }
  return isFromContext(lower, context) ? 'context' : null;
}

/** @throws SekishoError `validation_failed`, with `pointer`, when the password is refused. It is never quoted. */
export function assertPassword(
  password: string,
  context: PasswordContext = {},
  pointer = '/password',
): void {
  const fault = faultOf(password, context);
  if (fault !== null) {
    const errors: readonly FieldError[] = [{ pointer, detail: DETAILS[fault] }];
    throw new SekishoError('validation_failed', `The password ${DETAILS[fault]}.`, { errors });
  }
}

/**
 * A common word, whatever digits and signs stand around and in it (`Summer2024!`); the same word twice; a date; a run over
 * the keys of a number pad. Much beside the word makes another password of it.
 */
function isCommon(lower: string): boolean {
  if (NUMBERS.has(lower) || isDate(lower)) {
    return true;
  }
  return [lower, unleet(lower)].some((text) => {
    const word = text.replace(/[^\p{L}]/gu, '');
    const half = word.slice(0, word.length / 2);
    const known = COMMON_WORDS.has(word) || (word === half + half && COMMON_WORDS.has(half));
    return known && text.length - word.length <= MAX_DECORATION;
  });
}

/** Eight digits that are a day in any usual order, with or without signs between them. */
function isDate(text: string): boolean {
  const digits = /^\d{1,4}([-./ ]?)\d{1,2}\1\d{1,4}$/.test(text) ? text.replace(/\D/g, '') : '';
  return (
    /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/.test(digits) ||
    /^(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|[12]\d|3[01])(?:19|20)\d\d$/.test(digits)
  );
}

/** The usual replacements of letters, taken back. */
function unleet(text: string): string {
  const letters: Readonly<Record<string, string>> = {
    '@': 'a',
    '4': 'a',
    '3': 'e',
    '1': 'i',
    '!': 'i',
    '0': 'o',
    $: 's',
    '5': 's',
    '7': 't',
  };
  // Those at the end are a suffix rather than letters (`password1`).
  const end = text.search(/[^\p{L}]*$/u);
  return text.slice(0, end).replace(/[@431!0$57]/g, (sign) => letters[sign] ?? sign);
}

/** `aaaaaaaa`, `12121212`, `abcabcabc`, `12345678`, `hgfedcba`. */
function isRepetitive(text: string): boolean {
  const points = [...text].map((character) => character.codePointAt(0) ?? 0);
  const steps = points.slice(1).map((point, index) => point - (points[index] ?? 0));
  const sequence = steps.every((step) => step === 1) || steps.every((step) => step === -1);
  const period = [1, 2, 3, 4].some((length) =>
    points.every((point, index) => point === points[index % length]),
  );
  return sequence || period;
}

/** Whether hardly anything is left of it without the account's own words. */
function isFromContext(lower: string, { tenant, email }: PasswordContext): boolean {
  const words = [
    'sekisho',
    tenant,
    email,
    ...(email?.split('@') ?? []),
    ...(email?.split(/[@._+-]/) ?? []),
  ]
    .filter((word): word is string => word !== undefined && word.length >= MIN_CONTEXT_LENGTH)
    .map((word) => word.toLowerCase())
    .sort((a, b) => b.length - a.length);
  const rest = words.reduce((text, word) => text.replaceAll(word, ''), lower);
  return rest !== lower && rest.length < MIN_PASSWORD_LENGTH && !/\p{L}{3,}/u.test(rest);
}
