import { createHash } from 'node:crypto';
import pg from 'pg';
import { SekishoError } from '../../errors.ts';
import {
  type CallOptions,
  type Database,
  DEFAULT_DEADLINE_MS,
  SCRIPT_DEADLINE_MS,
  type SqlCall,
  SqlError,
} from '../database.ts';

const CONNECT_DEADLINE_MS = 3_000;
const IDLE_MS = 60_000;

/** More texts than the code has would mean that somebody builds them from values; those are not kept on the server. */
const MAX_PREPARED = 500;

/** A prepared statement's name is unknown, or taken. */
const NOT_PREPARED = new Set(['26000', '42P05']);
/** What a prepared statement answers once a table or function that it reads has got a column more: "cached plan …". */
const PLAN_CHANGED = '0A000';

const INT8 = 20;
const INT8_ARRAY = 1016;

export interface PoolSettings {
  /** `postgres://…`. */
  readonly url: string;
  /** Connections at most, beside the one for heartbeats. Default 10. */
  readonly max?: number;
  /** How long a connection may take to be made, or to become free, in milliseconds. Default 3,000. */
  readonly connectMs?: number;
  /**
   * Prepared statements. Default true; given up by itself behind a pooler that does not keep them with its client, and only
   * there.
   */
  readonly prepare?: boolean;
}

/**
 * PostgreSQL through a pool of connections. Heartbeats have a connection of their own, so that they never wait behind other
 * statements. No connection is made before the first call.
 *
 * DURABLE: a result counts when the server is ready for the next statement, and not when it came with a warning. A call past
 * its deadline destroys its connection and sends no cancel request.
 */
export function openPoolDatabase(settings: PoolSettings): Database {
  const common: pg.PoolConfig = {
    connectionString: settings.url,
    // Shown in `pg_stat_activity`.
    application_name: 'sekisho',
    connectionTimeoutMillis: settings.connectMs ?? CONNECT_DEADLINE_MS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
  };
  const ordinary = new pg.Pool({ ...common, max: settings.max ?? 10 });
  const heartbeats = new pg.Pool({ ...common, max: 1, idleTimeoutMillis: 0 });
  let edition = 0;
  let names = createNames(edition);
  let prepare = settings.prepare ?? true;
  const nameOf = (text: string): string | undefined => (prepare ? names(text) : undefined);
  let statements = 0;
  let closed = false;

  for (const pool of [ordinary, heartbeats]) {
    // A connection that broke while nobody used it: the pool makes another one.
    pool.on('error', () => {});
    // A role may have these set: a server that cancels by itself would cancel a wait for replication too. And all statements
    // are short, whatever the planner fears of them: compiling one takes a hundred times as long as running it.
    pool.on('connect', (client) => {
      client
        .query('set statement_timeout = 0; set lock_timeout = 0; set jit = off')
        .catch(() => {});
    });
  }

  async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
    if (closed) throw new SekishoError('store_unavailable', 'The connection pool is closed.');
    try {
      return await pool.connect();
    } catch (error) {
      throw new SekishoError('store_unavailable', 'PostgreSQL cannot be reached.', {
        cause: error,
      });
    }
  }

  /** Lends a connection to `use`, and destroys it when anything went wrong that leaves its state in doubt. */
  async function lend<Result>(
    pool: pg.Pool,
    deadlineMs: number,
    use: (client: pg.PoolClient) => Promise<Result>,
  ): Promise<Result> {
    const client = await connect(pool);
    let doubt: SekishoError | undefined;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      client.off('notice', onNotice);
      client.off('error', onError);
      client.release(doubt);
    };
    const onNotice = (notice: Notice): void => {
      if (isWarning(notice)) doubt ??= unknownOutcome('PostgreSQL answered with a warning.');
    };
    // The broken connection is told of by the statement that was on it.
    const onError = (): void => {};
    client.on('notice', onNotice);
    client.on('error', onError);

    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        doubt = unknownOutcome('PostgreSQL did not answer in time.');
        reject(doubt);
        release();
      }, deadlineMs);
    });
    try {
      const result = await Promise.race([use(client), deadline]);
      if (doubt !== undefined) throw doubt;
      return result;
    } catch (error) {
      const failure = failureOf(error);
      if (failure instanceof SekishoError) doubt ??= failure;
      throw failure;
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  /** A pooler may have lent a server that does not know the name, or knows it from somebody else: not by name, then. */
  async function run(
    calls: readonly SqlCall[],
    options: CallOptions = {},
  ): Promise<Record<string, unknown>[][]> {
    const used = edition;
    try {
      return await runOnce(calls, options);
    } catch (error) {
      // The server refused it, so it had no effect.
      if (!(error instanceof SqlError)) throw error;
      if (NOT_PREPARED.has(error.sqlState)) {
        prepare = false;
      } else if (error.sqlState === PLAN_CHANGED && prepare) {
        // A later release has migrated while this node runs: every statement is prepared anew, under another name.
        if (edition === used) names = createNames(++edition);
      } else {
        throw error;
      }
      return runOnce(calls, options);
    }
  }

  async function runOnce(
    calls: readonly SqlCall[],
    options: CallOptions,
  ): Promise<Record<string, unknown>[][]> {
    statements += calls.length;
    const pool = options.urgent === true ? heartbeats : ordinary;
    return lend(pool, options.deadlineMs ?? DEFAULT_DEADLINE_MS, async (client) => {
      const [only] = calls;
      if (calls.length === 1 && only !== undefined)
        return [await rowsOf(client, only, nameOf(only.text))];
      return inTransaction(client, async () => {
        const results: Record<string, unknown>[][] = [];
        for (const statement of calls) {
          results.push(await rowsOf(client, statement, nameOf(statement.text)));
        }
        return results;
      });
    });
  }

  return {
    kind: 'postgres',
    async query<Row extends object>(sql: SqlCall, options?: CallOptions): Promise<Row[]> {
      const [rows] = await run([sql], options);
      return rows as Row[];
    },
    transaction: run,
    async script(text: string): Promise<void> {
      statements += 1;
      await lend(ordinary, SCRIPT_DEADLINE_MS, (client) =>
        inTransaction(client, async () => {
          await client.query(text);
        }),
      );
    },
    statementCount: () => statements,
    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      await Promise.all([ordinary.end(), heartbeats.end()]);
    },
  };
}

interface Notice {
  readonly severity?: string | undefined;
  readonly code?: string | undefined;
}

/**
 * DURABLE: such as "canceling wait for synchronous replication due to user request". The word for its severity is in the
 * server's language, so the code tells, too: class 01 is warnings, 57 an operator's intervention.
 */
function isWarning({ severity, code = '' }: Notice): boolean {
  return severity === 'WARNING' || code.startsWith('01') || code.startsWith('57');
}

async function rowsOf(
  client: pg.PoolClient,
  { text, values }: SqlCall,
  name: string | undefined,
): Promise<Record<string, unknown>[]> {
  const result = await client.query<Record<string, unknown>>({
    text,
    values: [...(values ?? [])],
    ...(name === undefined ? {} : { name }),
  });
  return result.rows;
}

/**
 * A name for each text, the same on every connection; pg prepares a named text once on each.
 *
 * @param edition names of another edition are other names
 */
function createNames(edition: number): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    let name = names.get(text);
    if (name === undefined && names.size < MAX_PREPARED) {
      const hash = createHash('sha256').update(`${edition} ${text}`).digest('hex');
      name = `sekisho_${hash.slice(0, 24)}`;
      names.set(text, name);
    }
    return name;
  };
}

async function inTransaction<Result>(
  client: pg.PoolClient,
  use: () => Promise<Result>,
): Promise<Result> {
  await client.query('begin isolation level read committed');
  let result: Result;
  try {
    result = await use();
  } catch (error) {
    // When this fails too, the connection is broken, and the first error says more.
    await client.query('rollback').catch(() => {});
    throw error;
  }
  const { command } = await client.query('commit');
  if (command !== 'COMMIT') throw new SqlError('The transaction was rolled back.', '25P02');
  return result;
}

/** The server's own refusals become SqlError; everything else broke the connection under a statement that was sent. */
function failureOf(error: unknown): Error {
  if (error instanceof SekishoError || error instanceof SqlError) return error;
  // FATAL and PANIC: the server closes the connection, and whether it had carried the statement out cannot be told.
  if (error instanceof pg.DatabaseError && error.code !== undefined && error.severity === 'ERROR') {
    return new SqlError(error.message, error.code, error.constraint);
  }
  return unknownOutcome('The connection to PostgreSQL broke during the call.', error);
}

function unknownOutcome(message: string, cause?: unknown): SekishoError {
  return new SekishoError('outcome_unknown', message, cause === undefined ? {} : { cause });
}

/** As the contract has it: `int8` as number. Positions and times stay far below 2^53. */
export function parserOf(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === INT8) return Number;
  const usual = pg.types.getTypeParser(oid, format as 'text') as (text: string) => unknown;
  return oid === INT8_ARRAY ? (text) => (usual(text) as string[]).map(Number) : usual;
}
