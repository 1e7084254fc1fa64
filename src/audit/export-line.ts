import { z } from 'zod';
import type { TrailRow } from '../record/trail-contract.ts';
import type { ExportedLine } from './export.ts';

const text = z.string();
const orNull = text.nullable();
/** 32 and 16 bytes. */
const hash = z.string().regex(/^[\w-]{43}$/, 'no hash');
const salt = z.string().regex(/^[\w-]{22}$/, 'no salt');

const LINE = z.looseObject({
  id: text,
  tenant_id: text,
  at: z.iso.datetime(),
  action: text,
  outcome: text,
  actor: z.looseObject({
    ...{ kind: text, user_id: orNull, session_id: orNull },
    client_id: text.optional(),
  }),
  subject: z.looseObject({ kind: text, id: text }).nullable(),
  ip: orNull,
  user_agent: orNull,
  request_id: orNull,
  detail: z.record(text, z.unknown()),
  seal: z
    .looseObject({
      sequence: z.int().min(1),
      ...{ previous: hash.nullable(), hash, personal: hash.nullable(), salt: salt.nullable() },
    })
    .nullable(),
});

/** Members within members of `detail`, which is flat: whatever goes deeper was never written, and could exhaust the stack. */
const MOST_DEEP = 100;

/**
 * One line of an export, as `lineOf` made it.
 *
 * @param number of the line in its file, for the message
 * @throws SyntaxError naming the line, and what of it is not as it should be.
 */
export function parseLine(line: string, number: number): ExportedLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new SyntaxError(`line ${number} is no JSON`, { cause });
  }
  const read = LINE.safeParse(value);
  if (!read.success) {
    const [first] = read.error.issues;
    const where = first === undefined || first.path.length === 0 ? 'it' : first.path.join('.');
    throw new SyntaxError(
      `line ${number} is no row of an exported audit trail: ${where}: ${first?.message ?? 'wrong form'}`,
    );
  }
  if (!isFlat(read.data.detail, MOST_DEEP)) {
    throw new SyntaxError(`line ${number} is no row of an exported audit trail: detail: too deep`);
  }
  // As it was read: its hash covers every member, also such as a schema would leave out.
  return value as ExportedLine;
}

function isFlat(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isFlat(inner, levels - 1));
}

/** The row that a line tells of. */
export function rowOfLine(line: ExportedLine): TrailRow {
  const [, micros = ''] = /\.\d{3}(\d{3})Z$/.exec(line.at) ?? [];
  return {
    tid: line.tenant_id,
    id: line.id,
    atUs: Date.parse(line.at) * 1000 + Number(micros),
    action: line.action,
    outcome: line.outcome,
    actorKind: line.actor.kind,
    actorUid: line.actor.client_id ?? line.actor.user_id,
    actorSid: line.actor.session_id,
    subjectKind: line.subject?.kind ?? null,
    subjectId: line.subject?.id ?? null,
    ip: line.ip,
    userAgent: line.user_agent,
    requestId: line.request_id,
    detail: line.detail,
  };
}
