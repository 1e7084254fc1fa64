import { SekishoError } from '../../errors.ts';
import type { KeyRing } from '../../token/secrets.ts';
import type { Database } from '../database.ts';
import { newestOf, readSchemaState } from '../migration-plan.ts';
import type { BackupItem } from './content.ts';
import type { Content } from './file.ts';
import { rowsOf } from './header.ts';
import { type BackedTable, listTables, ORDERED_ROWS, quoted } from './tables.ts';

/** Rows that are read at once. */
const PAGE = 500;
/** For one page; a table of any size is many of them. */
const DEADLINE_MS = 60_000;

/** So that rows read the same whatever the server's settings are. */
const SETTINGS = `
  set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres';
  set local bytea_output = 'hex'; set local extra_float_digits = 1;
  set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0`;

interface State {
  readonly migrations: Content['header']['migrations'];
  readonly generation: string;
  readonly position: number;
  readonly deployment: string | null;
  readonly secret_key_ids: string | null;
}

/**
 * Reads the record, all of it as of one moment: one transaction (REPEATABLE READ, read-only), in pages.
 *
 * @param database one connection that nobody else uses, so that statements follow each other in one session.
 * @param use gets what a file is written from, and has read all of it when it resolves.
 * @throws SekishoError `not_found` when there is no record; `invalid_configuration` for another deployment's secret.
 */
export async function exportRecord<Result>(
  database: Database,
  ring: KeyRing,
  use: (content: Content) => Promise<Result>,
): Promise<Result> {
  const send = async (text: string): Promise<void> => {
    await database.query({ text }, { deadlineMs: DEADLINE_MS });
  };
  await send('begin transaction isolation level repeatable read, read only');
  try {
    for (const one of SETTINGS.split(';')) await send(one);
    // Before the snapshot is taken this waits for nothing and shows whether there is anything to read.
    if (!(await hasRecord(database))) {
      throw new SekishoError('not_found', 'There is no record of Sekisho in this database.');
    }
    // Row-level security would hide rows from the owner; this role sees all tenants.
    await send('set local role sekisho_system');
    const { secret_key_ids: keyIds, ...state } = await readState(database);
    assertOwnSecret(ring, keyIds);
    const tables = await listTables(database);
    const counts = await countRows(database, tables);
    const header = {
      ...state,
      release: newestOf(await readSchemaState(database)),
      takenAt: new Date().toISOString(),
      kind: database.kind,
      tables: counts,
    };
    return await use({ header, items: readTables(database, tables, send) });
  } finally {
    // When this fails, the connection is gone, and the snapshot with it.
    await send('rollback').catch(() => {});
  }
}

async function hasRecord(database: Pick<Database, 'query'>): Promise<boolean> {
  const [row] = await database.query<{ there: boolean }>({
    text: "select to_regclass('sekisho.schema_migration') is not null and to_regclass('sekisho.head') is not null as there",
  });
  return row?.there === true;
}

async function readState(database: Pick<Database, 'query'>): Promise<State> {
  const [state] = await database.query<State>({
    text: `select
      (select jsonb_agg(jsonb_build_object('name', m.name, 'checksum', m.checksum) order by m.version)
         from sekisho.schema_migration m) as migrations,
      (select h.generation from sekisho.head h) as generation,
      (select h.position::float8 from sekisho.head h) as position,
      (select s.value from sekisho.setting s where s.name = 'deployment') as deployment,
      (select s.value from sekisho.setting s where s.name = 'secret_key_ids') as secret_key_ids`,
  });
  if (state === undefined || state.generation === null) {
    throw new SekishoError('not_found', 'The record in this database is empty.');
  }
  return state;
}

/** A file under a secret that the record was never used with could not be restored with the record's own. */
function assertOwnSecret(ring: KeyRing, keyIds: string | null): void {
  if (keyIds === null || keyIds.split(' ').some((keyId) => ring.find(keyId) !== null)) return;
  throw new SekishoError(
    'invalid_configuration',
    'SEKISHO_SECRET is not the one that this record is used with: give the same one, so that the backup opens with it.',
  );
}

async function countRows(
  database: Pick<Database, 'query'>,
  tables: readonly BackedTable[],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await database.query<{ count: number }>(
      { text: `select count(*)::float8 as count from ${quoted(name)}` },
      { deadlineMs: DEADLINE_MS },
    );
    counts[name] = row?.count ?? 0;
  }
  return counts;
}

async function* readTables(
  database: Pick<Database, 'query'>,
  tables: readonly BackedTable[],
  send: (text: string) => Promise<void>,
): AsyncGenerator<BackupItem> {
  for (const { name, columns } of tables) {
    yield { kind: 'table', table: name, columns };
    const text = ORDERED_ROWS[name] ?? `select x::text as row from ${quoted(name)} x`;
    await send(`declare page no scroll cursor for ${text}`);
    for (;;) {
      const found = await database.query<{ row: string }>(
        { text: `fetch ${PAGE} from page` },
        { deadlineMs: DEADLINE_MS },
      );
      if (found.length > 0) yield { kind: 'rows', rows: found.map(({ row }) => row) };
      if (found.length < PAGE) break;
    }
    await send('close page');
  }
}

/** Tells of each page how far it is. */
export async function* counted(
  { header, items }: Content,
  onProgress: ((progress: { done: number; total: number | null }) => void) | undefined,
): AsyncGenerator<BackupItem> {
  const total = rowsOf(header);
  let done = 0;
  for await (const item of items) {
    yield item;
    if (item.kind !== 'rows') continue;
    done += item.rows.length;
    onProgress?.({ done, total });
  }
}
