/**
 * The driver beneath the record: what PGlite and PostgreSQL have in common. All SQL of Sekisho is written once and runs
 * on either; a driver knows how to send it, nothing of what it means.
 */
export interface Database {
  readonly kind: 'pglite' | 'postgres';

  /**
   * Runs one statement in a transaction of its own (READ COMMITTED).
   *
   * @returns the rows, with `int8` as number, `timestamptz` as Date, `jsonb` parsed and `bytea` as Uint8Array.
   * @throws SekishoError `store_unavailable` when it was certainly not carried out, `outcome_unknown` when its answer was
   *   lost or came after the deadline (the statement is never cancelled; a connection past its deadline is abandoned).
   *   Errors that the database itself reports are thrown as `SqlError`.
   */
  query<Row extends object = Record<string, unknown>>(
    call: SqlCall,
    options?: CallOptions,
  ): Promise<Row[]>;

  /** Runs several statements in one transaction, one after the other, all or nothing. */
  transaction(
    calls: readonly SqlCall[],
    options?: CallOptions,
  ): Promise<Record<string, unknown>[][]>;

  /** Runs a script of many statements (migrations), in one transaction. */
  script(text: string): Promise<void>;

  /** Embedded: resolves, with the reason, when the database has ended by itself. Nothing but a new start brings it back. */
  readonly crashed?: Promise<Error>;

  /** Statements sent so far; tests show with it that a page's statements do not grow with its rows. */
  statementCount(): number;

  close(): Promise<void>;
}

/** A statement with `$1`-style parameters. */
export interface SqlCall {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** What a caller waits for at most, milliseconds, unless it says otherwise. */
export const DEFAULT_DEADLINE_MS = 5_000;
/** The same of a script: a migration of a large database. */
export const SCRIPT_DEADLINE_MS = 120_000;

export interface CallOptions {
  /** Milliseconds after which the caller is answered without the result. Default `DEFAULT_DEADLINE_MS`. */
  readonly deadlineMs?: number;
  /** Goes before every other waiting statement: heartbeats only. */
  readonly urgent?: boolean;
}

/** An error that the database reported: the statement had no effect. `sqlState` is the five-character SQLSTATE. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  readonly sqlState: string;
  readonly constraint: string | undefined;

  constructor(message: string, sqlState: string, constraint?: string) {
    super(message);
    this.sqlState = sqlState;
    this.constraint = constraint;
  }
}
