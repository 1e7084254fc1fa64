import { cleanText } from '../audit/event.ts';
import type { Log } from './log.ts';

/**
 * How the last word of a member's name ends when its value never stands in a log, whatever it is (ASVS 16.2.5). The last
 * one says what the value is: a `token_type` and a `key_id` are no secrets, and neither are `tokens_issued`.
 */
const SECRET_ENDING =
  /(?:password|passwd|passphrase|pwd|secret|token|ticket|hashe?|cookie|credential|authorization|(?:api|private|secret|access)key)s?$/;

/** Words too short to be looked for at the end of others (compass). */
const SECRET_WORD = /^(?:pass|passes|jwts?|t?otps?)$/;

/** What a key is for when whoever has it can do something with it. What was `sealed` by itself is a place of the audit trail. */
const SECRET_KEY =
  /(?:^| )(?:api|private|secret|access|signing|sealing|encryption|hmac|master|shared|ssh) keys?$|(?:^| )private sealed$/;

/** What may follow without making another thing of it. */
const QUALIFIER =
  /^(?:\d+|values?|raw|plain|plaintext|hex|base64|old|new|previous|confirm|confirmation)$/;

const REMOVED = '[removed]';

/** Deepest nesting that is logged; what lies below is left out. */
const MAX_DEPTH = 5;

/** Most members of one object or list that are logged. */
const MAX_MEMBERS = 50;

/**
 * What of `fields` may stand in a log: members that name a secret lose their value, and every string loses what looks
 * like a token or a hash, control characters, and whatever is beyond 500 characters.
 */
export function redacted(fields: object): Record<string, unknown> {
  return redactedValue(fields, 0) as Record<string, unknown>;
}

/**
 * A log that hears of nothing else than `redacted` leaves. Errors become plain objects: those of a driver carry the command
 * that failed with all its arguments, ids and addresses among them, and a logger may write every member that it finds.
 */
export function redactedLog(log: Log): Log {
  return {
    error: (fields, message) => log.error(redacted(fields), cleanText(message)),
    warn: (fields, message) => log.warn(redacted(fields), cleanText(message)),
    info: (fields, message) => log.info(redacted(fields), cleanText(message)),
    debug: (fields, message) => log.debug(redacted(fields), cleanText(message)),
  };
}

/** An error as a log shows it: with its stack line by line, and its causes. */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return redactedValue(error, depth);
  const { cause } = error;
  return {
    type: error.name,
    message: cleanText(error.message),
    ...('code' in error ? { code: cleanText(String(error.code)) } : {}),
    ...('sqlState' in error ? { sql_state: cleanText(String(error.sqlState)) } : {}),
    stack: (error.stack ?? '').split('\n').slice(0, 30).map(cleanText).join('\n'),
    ...(cause === undefined || depth >= MAX_DEPTH
      ? {}
      : { cause: describeError(cause, depth + 1) }),
  };
}

function redactedValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (depth >= MAX_DEPTH || ArrayBuffer.isView(value)) return '[…]';
  if (Array.isArray(value)) {
    return value.slice(0, MAX_MEMBERS).map((member) => redactedValue(member, depth + 1));
  }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_MEMBERS)
      .map(([name, member]) => [
        cleanText(name),
        namesSecret(name) && member !== null ? REMOVED : redactedValue(member, depth + 1),
      ]),
  );
}

/** Whether what a member of this name holds is a secret, in whatever way its words are joined. */
function namesSecret(name: string): boolean {
  // As it would be read in the log, too: a character that cannot be seen may stand within a word.
  return [name, cleanText(name)].some((one) => {
    const words = wordsOf(one);
    while (QUALIFIER.test(words.at(-1) ?? '')) words.pop();
    const last = (words.at(-1) ?? '').replace(/\d+$/, '');
    const ending = [...words.slice(-2, -1), last].join(' ');
    return SECRET_ENDING.test(last) || SECRET_WORD.test(last) || SECRET_KEY.test(ending);
  });
}

/** The words of a name, in small letters: `clientSecret`, `client_secret` and `CLIENT-SECRET` have the same ones. */
function wordsOf(name: string): string[] {
  return name
    .replace(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})/g, ' ')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}
