import type { Database } from '../database.ts';

/** How often the log's size is looked at. */
const LOOK_EVERY_MS = 5_000;
/** Above it there is a checkpoint out of turn: a start replays some tens of megabytes a second. */
const MOST_BYTES = 48 * 1024 * 1024;

const GROWN = `
  select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) > ${MOST_BYTES} as grown from pg_control_checkpoint()`;

/**
 * Keeps the write-ahead log short, and with it the directory and the start after a kill, however much is written between two
 * regular checkpoints.
 *
 * @param checkpoint makes one. What it rejects with is left to the regular ones, which are reported.
 */
export function keepLogShort(
  database: Pick<Database, 'query'>,
  checkpoint: () => Promise<void>,
): { close(): Promise<void> } {
  let looking: Promise<void> = Promise.resolve();
  let closed = false;
  let timer = setTimeout(look, LOOK_EVERY_MS).unref();

  function look(): void {
    looking = once()
      .catch(() => {})
      .then(() => {
        if (!closed) timer = setTimeout(look, LOOK_EVERY_MS).unref();
      });
  }

  async function once(): Promise<void> {
    const [row] = await database.query<{ grown: boolean }>({ text: GROWN });
    if (row?.grown === true && !closed) await checkpoint();
  }

  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
