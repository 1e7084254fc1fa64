import { type FieldError, pointerTo, SekishoError } from '../errors.ts';

/** Deepest nesting of a request body; ours need three. */
const MAX_DEPTH = 32;

/**
 * Parses a request body (RFC 8259) strictly: valid UTF-8, no member twice in an object (ASVS 15.3.7: whoever stands in
 * front may have looked at the other one), no nesting beyond 32.
 *
 * @throws SekishoError `invalid_json`
 */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the body, and with it a password.
    throw new SekishoError('invalid_json', 'The body is not JSON in UTF-8.');
  }
  requirePlain(text);
  return value;
}

/** One token of valid JSON that matters here: a string with what follows it, or a bracket. */
const TOKEN = /"((?:[^"\\]|\\.)*)"(\s*:)?|[{}[\]]/gs;

function requirePlain(text: string): void {
  const open: (Set<string> | null)[] = [];
  for (const [token, string, colon] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : null);
      if (open.length > MAX_DEPTH) {
        throw new SekishoError('invalid_json', `The body is nested deeper than ${MAX_DEPTH}.`);
      }
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (colon !== undefined) {
      const names = open.at(-1);
      const name = JSON.parse(`"${string}"`) as string;
      if (names?.has(name)) throw new SekishoError('invalid_json', 'A member stands there twice.');
      names?.add(name);
    }
  }
}

/** Strings that no store keeps as they are: with NUL characters or halves of surrogate pairs. The first `most` of them. */
export function unfitStrings(value: unknown, most: number): readonly FieldError[] {
  const found: FieldError[] = [];
  const rest: [value: unknown, path: readonly PropertyKey[]][] = [[value, []]];
  for (let next = rest.pop(); next !== undefined && found.length < most; next = rest.pop()) {
    const [one, path] = next;
    if (typeof one === 'string') {
      if (one.includes('\0') || !one.isWellFormed()) {
        found.push({ pointer: pointerTo(path), detail: 'must be well-formed text without NUL' });
      }
    } else if (typeof one === 'object' && one !== null) {
      for (const [name, member] of Object.entries(one)) rest.push([member, [...path, name]]);
    }
  }
  return found;
}
