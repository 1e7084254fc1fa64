import pg from 'pg';
import { SekishoError } from '../../errors.ts';
import { type Database, type SqlCall, SqlError } from '../database.ts';
import { parserOf } from './pool-database.ts';

const CONNECT_DEADLINE_MS = 10_000;

/**
 * One connection, for work that is one session or one transaction: statements follow each other on it, whatever they are. A
 * transaction is the caller's; `transaction` and `script` begin none. No statement has a deadline: whoever waits for it is a
 * person who can end it.
 *
 * @throws SekishoError `store_unavailable` when the server cannot be reached.
 */
export async function openOneConnection(url: string): Promise<Database> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'sekisho backup',
    connectionTimeoutMillis: CONNECT_DEADLINE_MS,
    keepAlive: true,
    types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
  });
  // Whatever is asked next learns of it.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new SekishoError('store_unavailable', 'PostgreSQL cannot be reached.', { cause: error });
  }
  let statements = 0;
  let closed = false;

  async function send<Row extends object>({ text, values }: SqlCall): Promise<Row[]> {
    statements += 1;
    try {
      const result = await client.query<Row & pg.QueryResultRow>({
        text,
        ...(values === undefined ? {} : { values: [...values] }),
      });
      return result.rows;
    } catch (error) {
      throw failureOf(error);
    }
  }

  return {
    kind: 'postgres',
    query: send,
    async transaction(calls) {
      const results: Record<string, unknown>[][] = [];
      for (const call of calls) results.push(await send(call));
      return results;
    },
    async script(text) {
      await send({ text });
    },
    statementCount: () => statements,
    async close() {
      if (closed) return;
      closed = true;
      await client.end().catch(() => {});
    },
  };
}

function failureOf(error: unknown): Error {
  if (error instanceof pg.DatabaseError && error.code !== undefined && error.severity === 'ERROR') {
    return new SqlError(error.message, error.code, error.constraint);
  }
  return new SekishoError('store_unavailable', 'The connection to PostgreSQL broke.', {
    cause: error,
  });
}
