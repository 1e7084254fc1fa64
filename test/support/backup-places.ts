import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import type { Database } from '../../src/record/database.ts';
import { openPglite, openPgliteRecord } from '../../src/record/pglite/open.ts';
import { openOneConnection } from '../../src/record/postgres/one-connection.ts';
import { openPostgresRecord } from '../../src/record/postgres/open.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { SECRET } from './engine.ts';

/** Where a record can be, empty at first. */
export interface Place {
  readonly config: Pick<Config, 'record' | 'secret'>;
  /** The record that is there, migrated. */
  open(): Promise<RecordStore>;
  /** Looks at it by SQL while nobody has it. */
  look<Row extends object>(text: string): Promise<Row[]>;
  drop(): Promise<void>;
}

export type MakePlace = () => Promise<Place>;

/** A data directory of its own. */
export const embeddedPlace: MakePlace = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-place-'));
  const dataDir = join(folder, 'data');
  return {
    config: { record: { kind: 'embedded', dataDir }, secret: SECRET },
    open: () => openPgliteRecord({ dataDir }),
    look: (text) => looked(() => openPglite({ dataDir }), text),
    async drop() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** @param adminUrl `inject('postgresUrl')` */
export function postgresPlace(adminUrl: string): MakePlace {
  return async () => {
    const made = await createTestDatabase(adminUrl);
    return {
      config: { record: { kind: 'postgres', databaseUrl: made.url }, secret: SECRET },
      open: () => openPostgresRecord({ url: made.url }),
      look: (text) => looked(() => openOneConnection(made.url), text),
      drop: () => made.drop(),
    };
  };
}

async function looked<Row extends object>(
  open: () => Promise<Database>,
  text: string,
): Promise<Row[]> {
  const database = await open();
  try {
    // Row-level security hides the rows from their owner.
    await database.query({ text: 'set role sekisho_system' });
    return await database.query<Row>({ text });
  } finally {
    await database.close();
  }
}
