import type { AuditEvent } from '../../audit/types.ts';
import type { LogRow, SessionRow } from '../../record/contract.ts';
import type { Services } from '../services.ts';
import type { SessionEnd } from './sessions-contract.ts';

/** Entries of the log that are looked at, newest first, before it is given up: a page of 200, 25 times. */
const PAGE = 200;
const PAGES = 25;
/** The row of a revocation is written with it, by the same clock, and read by whole milliseconds. */
const BESIDE_MS = 2_000;
const ROWS = 200;

/** What ends everybody's sessions stands in the operators' own trail. */
const OF_ALL = ['revoke_all', 'record_restored'] as const;

/** When, why and by whom a revoked session ended: the first entry that ends it, and the row beside it. */
export async function sessionEnd(
  services: Services,
  tid: string,
  session: SessionRow,
): Promise<SessionEnd | null> {
  const [entry, ofAll] = [
    await firstEnding(services, tid, session),
    await firstOfAll(services, session),
  ];
  if (ofAll !== null && (entry === null || ofAll.atMs < entry.committedAtMs)) {
    const { reason } = ofAll.detail;
    return {
      ...{ atMs: ofAll.atMs, scope: 'all', action: ofAll.action, by: byOf(ofAll) },
      reason: typeof reason === 'string' ? reason : null,
    };
  }
  if (entry === null) return null;
  const row = await rowBeside(services, tid, session, entry);
  const { committedAtMs: atMs, scope, reason } = entry;
  return { atMs, scope, reason, action: row?.action ?? null, by: row && byOf(row) };
}

async function firstEnding(
  { record }: Services,
  tid: string,
  session: SessionRow,
): Promise<LogRow | null> {
  let first: LogRow | null = null;
  let before: { readonly atMs: number; readonly id: string } | null = null;
  for (let page = 0; page < PAGES; page += 1) {
    const rows: readonly LogRow[] = await record.log.list(tid, { limit: PAGE, cursor: before });
    for (const row of rows) {
      // EPOCH: what was committed before its login did not end it.
      if (row.position > session.epoch && ends(row, session)) first = row;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE || last.position <= session.epoch) return first;
    before = { atMs: last.committedAtMs, id: String(last.position) };
  }
  return null;
}

function ends({ scope, uid, sid, sparedSid }: LogRow, session: SessionRow): boolean {
  if (scope === 'session') return sid === session.sid;
  if (sparedSid === session.sid) return false;
  return scope === 'tenant' || (scope === 'user' && uid === session.uid);
}

async function firstOfAll({ record }: Services, session: SessionRow): Promise<AuditEvent | null> {
  let first: AuditEvent | null = null;
  for (const action of OF_ALL) {
    const filter = { action, fromMs: session.createdAtMs };
    const oldest = (await record.audit.list('', filter, { limit: ROWS, cursor: null })).at(-1);
    if (oldest !== undefined && (first === null || oldest.atMs < first.atMs)) first = oldest;
  }
  return first;
}

async function rowBeside(
  { record }: Services,
  tid: string,
  { sid, uid }: SessionRow,
  { committedAtMs, scope }: LogRow,
): Promise<AuditEvent | null> {
  const filter = { fromMs: committedAtMs - BESIDE_MS, toMs: committedAtMs + BESIDE_MS };
  const rows = await record.audit.list(tid, filter, { limit: ROWS, cursor: null });
  const subject = { session: sid, user: uid, tenant: tid }[scope];
  const isIts = (row: AuditEvent): boolean =>
    row.subject?.id === subject || (scope === 'session' && row.actor.sid === sid);
  const near = rows.filter(isIts).filter(({ action }) => !NO_END.has(action));
  const distance = ({ atMs }: AuditEvent): number => Math.abs(atMs - committedAtMs);
  return near.sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

/** What a session does while it lives. */
const NO_END: ReadonlySet<string> = new Set([
  ...['session_created', 'authn_login_success', 'authn_token_refreshed'],
  ...['authn_token_answer_lost', 'authn_reauthenticated', 'authz_fail', 'user_updated'],
]);

function byOf({ actor, detail }: AuditEvent): SessionEnd['by'] {
  const name = actor.kind === 'operator' ? detail.by : actor.uid;
  return { kind: actor.kind, name: typeof name === 'string' ? name : null };
}
