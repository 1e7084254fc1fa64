import { SekishoError } from '../errors.ts';

/** Longest display name of a user, tenant or device, in characters. */
const MAX_NAME_LENGTH = 200;

/** Control characters, line separators and halves of surrogate pairs: they have no place in a name, a log or a header. */
const UNFIT = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/** A display name in NFC; null when it is longer than 200 characters or holds control characters. May be empty. */
export function normaliseName(value: string): string | null {
  if (value.length > MAX_NAME_LENGTH * 4) {
    return null;
  }
  const name = value.normalize('NFC');
  return name.length > MAX_NAME_LENGTH || UNFIT.test(name) ? null : name;
}

/** @throws SekishoError `validation_failed`, with `pointer`, when `value` is no display name. */
export function parseName(value: string, pointer = '/name'): string {
  const name = normaliseName(value);
  if (name === null) {
    const detail = `must be at most ${MAX_NAME_LENGTH} characters, none of them a control character`;
    throw new SekishoError('validation_failed', `A name ${detail}.`, {
      errors: [{ pointer, detail }],
    });
  }
  return name;
}
