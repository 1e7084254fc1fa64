import type { Entry, Head } from '../revocation/types.ts';
import type { Acknowledgement, EventType, HubEvent } from './contract.ts';

/** What nodes tell each other. `head` names an entry that could not be sent itself. */
export type HubMessage =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'acknowledgement'; readonly acknowledgement: Acknowledgement }
  | { readonly kind: 'event'; readonly event: HubEvent }
  | { readonly kind: 'nonce'; readonly nonce: string };

/** Ids, generations, nonces: whatever Sekisho makes is 22 characters of base64url. */
const ID = /^[\w-]{1,64}$/;
/** The first entry of an operation has its id; a later one is `<id>.<n>`. */
const OPERATION = /^[\w-]{1,64}(\.\d{1,6})?$/;
/** A newer release may know more scopes and events than this one: shapes are checked, words are not. */
const WORD = /^[a-z][a-z._]{0,63}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

/** A message's content as a list, in the order in which `unpack` reads it: names would be most of the text. */
export function pack(message: HubMessage): readonly unknown[] {
  switch (message.kind) {
    case 'entry': {
      const { generation, position, operationId, scope, tid, uid, sid, sparedSid } = message.entry;
      return [generation, position, operationId, scope, tid, uid, sid, sparedSid];
    }
    case 'head':
      return [message.head.generation, message.head.position];
    case 'acknowledgement': {
      const { memberId, generation, position } = message.acknowledgement;
      return [memberId, generation, position];
    }
    case 'event': {
      const { id, tid, type, at, subject, detail } = message.event;
      return [id, tid, type, at, subject, detail];
    }
    case 'nonce':
      return [message.nonce];
  }
}

/** The message that the list says; null when it says none. Its MAC was right, so this guards against other releases. */
export function unpack(kind: HubMessage['kind'], parts: readonly unknown[]): HubMessage | null {
  switch (kind) {
    case 'entry':
      return unpackEntry(parts);
    case 'head': {
      const [generation, position, ...more] = parts;
      if (!isId(generation) || !isPosition(position) || more.length > 0) return null;
      return { kind, head: { generation, position } };
    }
    case 'acknowledgement': {
      const [memberId, generation, position, ...more] = parts;
      if (!isId(memberId) || !isId(generation) || !isPosition(position)) return null;
      return more.length > 0 ? null : { kind, acknowledgement: { memberId, generation, position } };
    }
    case 'event':
      return unpackEvent(parts);
    case 'nonce': {
      const [nonce, ...more] = parts;
      return isId(nonce) && more.length === 0 ? { kind, nonce } : null;
    }
  }
}

function unpackEntry(parts: readonly unknown[]): HubMessage | null {
  const [generation, position, operationId, scope, tid, uid, sid, sparedSid, ...more] = parts;
  if (!isId(generation) || !isPosition(position) || position === 0) return null;
  if (typeof operationId !== 'string' || !OPERATION.test(operationId)) return null;
  if (typeof scope !== 'string' || !WORD.test(scope) || more.length > 0) return null;
  if (!isIdOrNull(tid) || !isIdOrNull(uid) || !isIdOrNull(sid) || !isIdOrNull(sparedSid))
    return null;
  const entry: Entry = { generation, position, operationId, scope, tid, uid, sid, sparedSid };
  return { kind: 'entry', entry };
}

function unpackEvent(parts: readonly unknown[]): HubMessage | null {
  const [id, tid, type, at, subject, detail, ...more] = parts;
  if (!isId(id) || !isId(tid) || more.length > 0) return null;
  if (typeof type !== 'string' || !WORD.test(type)) return null;
  if (typeof at !== 'string' || !TIME.test(at)) return null;
  if (!isSubject(subject) || !isObject(detail)) return null;
  const event: HubEvent = { id, tid, type: type as EventType, at, subject, detail };
  return { kind: 'event', event };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

function isIdOrNull(value: unknown): value is string | null {
  return value === null || isId(value);
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSubject(value: unknown): value is HubEvent['subject'] {
  return (
    isObject(value) &&
    Object.values(value).every((part) => part === null || typeof part === 'string')
  );
}
