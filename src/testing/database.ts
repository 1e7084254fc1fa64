import type { Database } from '../record/database.ts';
import { openPglite } from '../record/pglite/open.ts';

/** The database of a test, and what is known of its work. */
export interface TestDatabase {
  readonly database: Database;
  /** Resolves when no statement is under way, and none follows from those that were. */
  quiet(): Promise<void>;
}

/** Looks in a row that must find nothing under way: what answers a statement may begin the next one. */
const LOOKS = 3;

/** @param wall where the database reads its wall time, milliseconds since 1970; null: this machine's. */
export async function openTestDatabase(wall: Float64Array | null): Promise<TestDatabase> {
  const opened = await openPglite({ memory: true, ...(wall === null ? {} : { wall }) });
  let underWay = 0;
  const counted = async <Result>(work: Promise<Result>): Promise<Result> => {
    underWay += 1;
    try {
      return await work;
    } finally {
      underWay -= 1;
    }
  };
  const database: Database = {
    ...opened,
    query: (call, options) => counted(opened.query(call, options)),
    transaction: (calls, options) => counted(opened.transaction(calls, options)),
    script: (text) => counted(opened.script(text)),
  };
  return {
    database,
    async quiet() {
      for (let found = 0; found < LOOKS; ) {
        // Real time: threads answer when they like.
        await new Promise((resolve) => setTimeout(resolve, 1));
        found = underWay === 0 ? found + 1 : 0;
      }
    },
  };
}
