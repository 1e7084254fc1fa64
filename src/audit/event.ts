import { newId } from '../id.ts';
import type { AuditAction, AuditActor, NewAuditEvent } from './types.ts';

/** Longest string in an audit row, in characters. */
export const MAX_AUDIT_TEXT = 500;

/** Most members of `detail`; what is beyond is left out. */
const MAX_AUDIT_DETAILS = 32;

const REMOVED = '[removed]';

/** Words joined by dots, in which a token may be hidden. Matching and judging them takes time linear in the text. */
const WORD = /[\w.-]{10,}/g;

/** A password hash in PHC form. */
const HASH = /\$argon2(?:id|i|d)\$[^\s"]*/g;

/** What a secret is called, as in `?password=x`, `PGPASSWORD=x`, `{"apiKey":"x"}` and `pwd: 'x'`. */
const NAME =
  '(pass(?:word|wd|phrase)|\\bpass|pwd|secret|token|ticket|(?:api|private|secret|access|signing)[_-]?key)';
const ASSIGNED = new RegExp(`${NAME}=[^\\s&;,"'<>)]+`, 'gi');
const QUOTED = new RegExp(`${NAME}(["']?\\s?[=:]\\s?)(?:"[^"]*"?|'[^']*'?)`, 'gi');

/** Who is named in a URL, before its host. A password of a database may have a slash that nobody has encoded. */
const USER_OF_URL = /:\/\/[^\s/?#"'<>]{0,300}@/g;
const USER_OF_DATABASE = /((?:postgres(?:ql)?|rediss?(?:\+\w{1,10})?):\/\/)[^\s"'<>]{0,300}@/gi;

/** The field `Authorization`, wherever it is quoted: shorter words are prose. */
const AUTHORIZATION = /\b(bearer|basic) +[\w.~+/-]{20,}={0,2}/gi;

/** How a JWT's header begins: `{"` in base64url. */
const JWT_BEGINS = 'eyJ';

/** Characters of base64url in 256 bit, with which refresh, reset and device tokens and socket tickets end. */
const SECRET_LENGTH = 43;

/** Control and format characters, line and paragraph separators, halves of surrogate pairs (ASVS 16.4.1). */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** What a use case says; whatever is left out is null or empty. */
export interface AuditInput {
  readonly tid: string | null;
  readonly atMs: number;
  readonly action: AuditAction;
  readonly outcome: 'success' | 'failure';
  readonly actor?: AuditActor;
  readonly subject?: { readonly kind: string; readonly id: string } | null;
  readonly ip?: string | null;
  readonly userAgent?: string | null;
  readonly requestId?: string | null;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

const NOBODY: AuditActor = Object.freeze({ kind: 'anonymous', uid: null, sid: null });

/**
 * Makes an audit row (ASVS 16.2.1: who, what, when, where). Strings lose what looks like a token or a hash, then control
 * characters, and are cut at 500 characters, so that a row can neither betray a credential nor forge a line of a log.
 */
export function auditEvent(input: AuditInput): NewAuditEvent {
  const { actor = NOBODY, subject = null, detail = {} } = input;
  return Object.freeze({
    id: newId(),
    tid: input.tid,
    atMs: input.atMs,
    action: input.action,
    outcome: input.outcome,
    actor: Object.freeze({ kind: actor.kind, uid: clean(actor.uid), sid: clean(actor.sid) }),
    subject:
      subject === null
        ? null
        : Object.freeze({ kind: cleanText(subject.kind), id: cleanText(subject.id) }),
    ip: clean(input.ip),
    userAgent: clean(input.userAgent),
    requestId: clean(input.requestId),
    detail: Object.freeze(
      Object.fromEntries(
        Object.entries(detail)
          .slice(0, MAX_AUDIT_DETAILS)
          .map(([name, value]) => [
            cleanText(name),
            typeof value === 'string' ? cleanText(value) : value,
          ]),
      ),
    ),
  });
}

/** A text as it may stand in an audit row or a log line. */
export function cleanText(text: string): string {
  // Control characters first: one inside a token would otherwise hide it from the patterns.
  const plain = text.replace(UNFIT, '');
  const safe = plain
    .replace(HASH, REMOVED)
    .replace(AUTHORIZATION, `$1 ${REMOVED}`)
    .replace(USER_OF_DATABASE, `$1${REMOVED}@`)
    .replace(USER_OF_URL, `://${REMOVED}@`)
    .replace(QUOTED, `$1$2${REMOVED}`)
    .replace(ASSIGNED, `$1=${REMOVED}`)
    .replace(WORD, (word) => (holdsToken(word) ? REMOVED : word));
  // Never half of a surrogate pair at the end.
  return safe.slice(0, MAX_AUDIT_TEXT).replace(/[\uD800-\uDBFF]$/, '');
}

/** What must never stand in an audit row, wherever it comes from (ASVS 16.2.5): a JWT or an opaque token of ours. */
function holdsToken(word: string): boolean {
  const [first = '', ...others] = word.split('.');
  return (
    others.length > 0 &&
    (first.includes(JWT_BEGINS) ||
      others.some((part) => part.length >= SECRET_LENGTH || part.includes(JWT_BEGINS)))
  );
}

function clean(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : cleanText(text);
}
