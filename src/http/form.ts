import { SekishoError } from '../errors.ts';
import { mediaTypeOf } from './body.ts';

/**
 * @throws SekishoError `unsupported_media_type` unless the body is declared as a form in UTF-8 (RFC 6749 appendix B), and not
 *   compressed.
 */
export function requireForm(headers: Headers): void {
  if (mediaTypeOf(headers) === 'application/x-www-form-urlencoded') return;
  throw new SekishoError(
    'unsupported_media_type',
    'Send a form as application/x-www-form-urlencoded, in UTF-8.',
  );
}

/**
 * The fields of a form that are in `known` (RFC 6749 section 3.2): others are passed over, and so is one without a value.
 *
 * @throws SekishoError `invalid_request` for a field that stands there twice, known or not (ASVS 15.3.7: whoever stands in
 *   front may have looked at the other one), and for what is no text.
 */
export function parseForm(
  bytes: Uint8Array,
  known: readonly string[],
): Readonly<Record<string, string>> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SekishoError('invalid_request', 'The form is not in UTF-8.');
  }
  const seen = new Set<string>();
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    if (seen.has(name)) throw new SekishoError('invalid_request', 'A field stands there twice.');
    seen.add(name);
    if (value === '' || !known.includes(name)) continue;
    if (value.includes('\0')) throw new SekishoError('invalid_request', 'A field has a NUL.');
    fields[name] = value;
  }
  return { ...fields };
}
