import { byHand, type RecordFixture } from './seed.ts';

/** What of the lost end is forgotten with it; rows that a careless hand left are what `operations: false` stands for. */
export interface Loss {
  /** The last position that is kept. */
  readonly keep: number;
  /** Default true. */
  readonly operations?: boolean;
}

let servers = 0;

/**
 * What a failover to a standby that lagged behind does to the record: the end of the log is gone, with all that was written
 * beside it, and the server is another one. The entries must be of the head's own generation.
 */
export async function loseEnd(
  fixture: RecordFixture,
  { keep, operations = true }: Loss,
): Promise<void> {
  servers += 1;
  const { database } = fixture;
  await byHand(
    database,
    { text: 'delete from sekisho.revocation where position > $1', values: [keep] },
    { text: 'update sekisho.floor set epoch = 0 where epoch > $1', values: [keep] },
    { text: 'update sekisho.reissue set position = 0 where position > $1', values: [keep] },
    {
      text: 'update sekisho.head set position = $1, identity = $2',
      values: [keep, `another primary ${servers}`],
    },
  );
  if (operations)
    await asOwner(fixture, 'operation', 'delete from sekisho.operation where position > $1', [
      keep,
    ]);
}

/** A statement that no role of Sekisho may carry out: the owner's, past row-level security. */
async function asOwner(
  { database }: RecordFixture,
  table: string,
  text: string,
  values: readonly unknown[],
): Promise<void> {
  await database.transaction([
    { text: `alter table sekisho.${table} no force row level security` },
    { text, values },
    { text: `alter table sekisho.${table} force row level security` },
  ]);
}
