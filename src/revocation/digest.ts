import { createHash } from 'node:crypto';
import type { Entry } from './types.ts';

/**
 * RECONCILE: one line an entry, the same in SQL:
 * `concat_ws('|', position, generation, operation_id, scope, coalesce(tid, ''), coalesce(uid, ''), coalesce(sid, ''),
 * coalesce(spared_sid, ''))`. Identifiers hold neither `|` nor line ends.
 */
export function entryLine(entry: Entry): string {
  return [
    entry.position,
    entry.generation,
    entry.operationId,
    entry.scope,
    entry.tid ?? '',
    entry.uid ?? '',
    entry.sid ?? '',
    entry.sparedSid ?? '',
  ].join('|');
}

/**
 * SHA-256, in hex, over the lines in order of position, joined by line feeds (of nothing: of the empty text). In SQL:
 * `encode(sha256(convert_to(coalesce(string_agg(line, E'\n' order by position), ''), 'UTF8')), 'hex')`.
 */
export function digestOf(entries: Iterable<Entry>): string {
  const hash = createHash('sha256');
  let first = true;
  for (const entry of entries) {
    hash.update(first ? entryLine(entry) : `\n${entryLine(entry)}`);
    first = false;
  }
  return hash.digest('hex');
}
