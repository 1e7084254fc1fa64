import { createHash } from 'node:crypto';
import { unusable } from './header.ts';

/** What a backup consists of: each table, followed by its rows in pages. */
export type BackupItem =
  | {
      readonly kind: 'table';
      readonly table: string;
      /** Name and type of each column, in the order in which rows have them. */
      readonly columns: readonly (readonly [name: string, type: string])[];
    }
  /** Rows of the table before, each as PostgreSQL writes and reads one itself (`row::text`): exact for every type. */
  | { readonly kind: 'rows'; readonly rows: readonly string[] };

interface End {
  readonly rows: number;
  /** Of everything before. */
  readonly sha256: string;
}

type Line =
  | { readonly table: string; readonly columns: readonly (readonly [string, string])[] }
  | readonly string[]
  | { readonly end: End };

/** The items as lines of JSON, with their number and checksum in the last line. */
export async function* linesOf(items: AsyncIterable<BackupItem>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let rows = 0;
  for await (const item of items) {
    if (item.kind === 'rows') rows += item.rows.length;
    const line: Line =
      item.kind === 'rows' ? item.rows : { table: item.table, columns: item.columns };
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    hash.update(bytes);
    yield bytes;
  }
  const end: End = { rows, sha256: hash.digest('hex') };
  yield Buffer.from(`${JSON.stringify({ end })}\n`);
}

/**
 * Reads what `linesOf` made.
 *
 * @param rows how many there should be.
 * @throws SekishoError `backup_unusable` when the last line is missing or does not fit.
 */
export async function* itemsOf(
  source: AsyncIterable<Buffer>,
  rows: number,
): AsyncGenerator<BackupItem> {
  const hash = createHash('sha256');
  let seen = 0;
  let end: End | null = null;
  for await (const bytes of splitLines(source)) {
    if (end !== null) throw unusable('was changed or damaged: something follows its end');
    const line = JSON.parse(bytes.toString('utf8')) as Line;
    if ('end' in line) {
      end = line.end;
      continue;
    }
    hash.update(bytes);
    if ('table' in line) {
      yield { kind: 'table', table: line.table, columns: line.columns };
    } else {
      seen += line.length;
      yield { kind: 'rows', rows: line };
    }
  }
  if (end === null) throw unusable('was cut off: its end is missing');
  if (end.rows !== seen || seen !== rows || end.sha256 !== hash.digest('hex')) {
    throw unusable('was changed or damaged: its content does not fit its checksum');
  }
}

/** Each line with its end. */
async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const piece of source) {
    let from = 0;
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, from)) {
      yield Buffer.concat([...rest, piece.subarray(from, at + 1)]);
      rest = [];
      from = at + 1;
    }
    if (from < piece.length) rest.push(piece.subarray(from));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}
