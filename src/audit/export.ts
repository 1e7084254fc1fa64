import type { ExportedRow, TrailRow } from '../record/trail-contract.ts';

/** A row as it is exported: as the API shows it, with its tenant, and what its seal is verified with (base64url). */
export interface ExportedLine {
  readonly id: string;
  /** '' for the operators' own trail. */
  readonly tenant_id: string;
  readonly at: string;
  readonly action: string;
  readonly outcome: string;
  readonly actor: {
    readonly kind: string;
    readonly user_id: string | null;
    readonly session_id: string | null;
    /** Of a service client. */
    readonly client_id?: string;
  };
  readonly subject: { readonly kind: string; readonly id: string } | null;
  readonly ip: string | null;
  readonly user_agent: string | null;
  readonly request_id: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  /** Null: not sealed yet. `previous`: the hash before it; null for the first row of a trail. */
  readonly seal: {
    readonly sequence: number;
    readonly previous: string | null;
    readonly hash: string;
    readonly personal: string | null;
    readonly salt: string | null;
  } | null;
}

export function lineOf({ row, seal }: ExportedRow): ExportedLine {
  const { subjectKind, subjectId } = row;
  return {
    id: row.id,
    tenant_id: row.tid,
    at: instant(row.atUs),
    action: row.action,
    outcome: row.outcome,
    actor: actorOf(row),
    subject:
      subjectKind === null || subjectId === null ? null : { kind: subjectKind, id: subjectId },
    ip: row.ip,
    user_agent: row.userAgent,
    request_id: row.requestId,
    detail: row.detail,
    seal: seal && {
      sequence: seal.seq,
      previous: base64url(seal.previous),
      hash: base64url(seal.hash) ?? '',
      personal: base64url(seal.personal),
      salt: base64url(seal.salt),
    },
  };
}

function actorOf({ actorKind: kind, actorUid, actorSid }: TrailRow): ExportedLine['actor'] {
  return kind === 'client'
    ? {
        kind,
        user_id: null,
        session_id: null,
        ...(actorUid === null ? {} : { client_id: actorUid }),
      }
    : { kind, user_id: actorUid, session_id: actorSid };
}

/** RFC 3339 in milliseconds; in microseconds where there are any, which no row of ours has. */
function instant(atUs: number): string {
  const text = new Date(Math.floor(atUs / 1000)).toISOString();
  const micros = atUs % 1000;
  return micros === 0 ? text : text.replace('Z', `${String(micros).padStart(3, '0')}Z`);
}

function base64url(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64url');
}

export type ExportFormat = 'jsonl' | 'csv';

/** What stands before the rows. */
export function exportHead(format: ExportFormat): string {
  return format === 'csv' ? `${CSV_COLUMNS.map(([name]) => name).join(',')}\r\n` : '';
}

/** Rows as text, a line each. */
export function exportText(format: ExportFormat, lines: readonly ExportedLine[]): string {
  return lines.map(format === 'csv' ? csvLine : (line) => `${JSON.stringify(line)}\n`).join('');
}

const CSV_COLUMNS: readonly (readonly [string, (line: ExportedLine) => unknown])[] = [
  ['id', ({ id }) => id],
  ['tenant_id', ({ tenant_id }) => tenant_id],
  ['at', ({ at }) => at],
  ['action', ({ action }) => action],
  ['outcome', ({ outcome }) => outcome],
  ['actor_kind', ({ actor }) => actor.kind],
  ['actor_user_id', ({ actor }) => actor.user_id],
  ['actor_session_id', ({ actor }) => actor.session_id],
  ['actor_client_id', ({ actor }) => actor.client_id],
  ['subject_kind', ({ subject }) => subject?.kind],
  ['subject_id', ({ subject }) => subject?.id],
  ['ip', ({ ip }) => ip],
  ['user_agent', ({ user_agent }) => user_agent],
  ['request_id', ({ request_id }) => request_id],
  ['detail', ({ detail }) => (Object.keys(detail).length === 0 ? '' : JSON.stringify(detail))],
  ['seal_sequence', ({ seal }) => seal?.sequence],
  ['seal_hash', ({ seal }) => seal?.hash],
];

function csvLine(line: ExportedLine): string {
  return `${CSV_COLUMNS.map(([, cellOf]) => csvCell(cellOf(line))).join(',')}\r\n`;
}

/** What makes a spreadsheet take a cell for a formula. */
const FORMULA = /^[=+\-@\t\r\n]/;

/** RFC 4180; a cell that a spreadsheet would calculate begins with an apostrophe instead (ASVS 1.2.10). */
export function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
