import type { CallOptions, Database } from './database.ts';
import { asSekishoError, isRepeatable } from './failures.ts';

/** How often a call is made again when PostgreSQL undid it because of another transaction. */
const REPEATS = 4;

const texts = new Map<string, string>();

/**
 * Calls one function of `src/record/sql/`, which is one transaction (docs/decisions/0001).
 *
 * `args` are passed in order. Byte arrays go to `bytea`, Dates to `timestamptz`, arrays to SQL arrays; plain objects become
 * JSON text, and an array that is meant as JSON has to go through `json()`.
 *
 * @returns the function's result; for `jsonb` the parsed value.
 * @throws SekishoError `store_unavailable`, `outcome_unknown`, or `internal` for what should not happen.
 */
export async function call<Result>(
  database: Database,
  name: string,
  args: readonly unknown[],
  options?: CallOptions,
): Promise<Result> {
  const text = textFor(name, args.length, (called) => `select ${called} as result`);
  return (await send<{ result: Result }>(database, text, args, options)).result;
}

/** The same for a function that returns one row of columns, where JSON would cost too much. @returns that row. */
export async function callRow<Row extends object>(
  database: Database,
  name: string,
  args: readonly unknown[],
): Promise<Row> {
  const text = textFor(name, args.length, (called) => `select * from ${called}`);
  return await send<Row>(database, text, args);
}

async function send<Row extends object>(
  database: Database,
  text: string,
  args: readonly unknown[],
  options?: CallOptions,
): Promise<Row> {
  const values = args.map((value) => (isPlainObject(value) ? json(value) : (value ?? null)));
  for (let attempt = 0; ; attempt += 1) {
    try {
      const rows = await database.query<Row>({ text, values }, options);
      return rows[0] as Row;
    } catch (error) {
      if (attempt < REPEATS && isRepeatable(error)) continue;
      throw asSekishoError(error);
    }
  }
}

/** JSON text for a `jsonb` parameter. Byte arrays inside become hex, for `decode(x, 'hex')`. */
export function json(value: unknown): string {
  // Not an arrow function: JSON.stringify has called a Buffer's toJSON by now, the holder still has the bytes.
  return JSON.stringify(value, function (this: Record<string, unknown>, key, current: unknown) {
    const original = this[key];
    return original instanceof Uint8Array ? hex(original) : current;
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function textFor(name: string, count: number, select: (called: string) => string): string {
  const key = `${name}/${count}`;
  let text = texts.get(key);
  if (text === undefined) {
    const places = Array.from({ length: count }, (_, index) => `$${index + 1}`);
    text = select(`sekisho.${name}(${places.join(', ')})`);
    texts.set(key, text);
  }
  return text;
}

function isPlainObject(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
