import { isOutage, isSekishoError } from '../errors.ts';
import { reasonOf } from '../observe/reason.ts';
import { UsageError } from './command.ts';
import { EXIT } from './exit.ts';
import { clearProgress } from './progress.ts';
import { putOut, WriteError } from './sink.ts';

/** What a command leaves on standard output: lines for people, or with `--json` one line for programs. */
export function print(json: boolean, value: unknown, lines: readonly string[]): void {
  clearProgress();
  say(
    json ? `${JSON.stringify(value)}\n` : lines.map((line) => `${inLines(line)}\n`).join(''),
    json,
  );
}

/** Whether an answer could not be written. */
let unsaid = false;

/** Writes an answer to standard output. Where that fails, it is what the exit code tells of. */
export function say(text: string, json = false): void {
  putOut(text).catch((error: unknown) => {
    if (!unsaid) process.exitCode = explain(error, json);
    unsaid = true;
  });
}

/** One line on standard error. */
export function complain(message: string): void {
  clearProgress();
  process.stderr.write(`sekisho: ${plain(message.replaceAll(/\s*\n\s*/g, ' '))}\n`);
}

/**
 * Rows under their headings, in columns, for people; nothing but `empty` when there are none.
 *
 * @example table(['SLUG', 'NAME'], tenants.map(({ slug, name }) => [slug, name]), 'no tenants')
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): readonly string[] {
  if (rows.length === 0) return [empty];
  const all = [headings, ...rows].map((row) => row.map(plain));
  const widths = headings.map((_, at) =>
    Math.max(...all.map((row) => [...(row[at] ?? '')].length)),
  );
  return all.map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - [...cell].length))
      .join('  ')
      .trimEnd(),
  );
}

/** `1 row`, `2 rows`, `1,024 rows`. */
export function counted(number: number, one: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : `${one}s`}`;
}

/** A time for people: UTC, to the second; a dash for none. */
export function timeOf(ms: number | null): string {
  return ms === null ? '-' : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A time for programs: RFC 3339 in UTC. */
export function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** Names, device names and what stands in a file are strangers' words: nothing in them may move the cursor or colour the terminal. */
function plain(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ');
}

/** The same, where several lines are printed at once. */
function inLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}

/**
 * One line for everything that can be expected to go wrong; a defect keeps its stack. With `json` that line is
 * `{"error": {"code", "message", …}}`. Nothing is said of what nobody reads any more. Returns the exit code.
 */
export function explain(error: unknown, json: boolean): number {
  if (error instanceof WriteError && error.unread) return EXIT.unread;
  const { code, message, exit, errors } = judged(error);
  if (json) {
    clearProgress();
    const body = { error: { code, message, ...(errors === undefined ? {} : { errors }) } };
    process.stderr.write(`${JSON.stringify(body)}\n`);
  } else if (code === 'internal') {
    clearProgress();
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  } else {
    complain(message);
  }
  return exit;
}

interface Judged {
  readonly code: string;
  readonly message: string;
  readonly exit: number;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

function judged(error: unknown): Judged {
  if (error instanceof UsageError) {
    return { code: 'usage', message: error.message, exit: EXIT.usage };
  }
  if (isSekishoError(error) && error.code !== 'internal') {
    // Whoever runs a command may know why a store is away, and where it was looked for; answers of HTTP never say so.
    const said = isOutage(error) ? reasonOf(error) : error.message;
    const wrong = wrongWords(error.errors ?? [], said);
    return {
      code: error.code,
      message: wrong === '' ? said : `${said.replace(/\.$/, '')}: ${wrong}.`,
      exit: error.code === 'invalid_configuration' ? EXIT.usage : EXIT.failed,
      ...(error.errors === undefined ? {} : { errors: error.errors }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof WriteError) return { code: 'cannot_write', message, exit: EXIT.failed };
  const code =
    error instanceof Error && error.name === 'ListenError' ? 'cannot_listen' : 'internal';
  return { code, message, exit: EXIT.failed };
}

/** Each field with what it must be; a message that says it already does not say it twice. */
function wrongWords(errors: NonNullable<Judged['errors']>, said: string): string {
  return errors
    .filter(({ detail }) => !said.includes(detail))
    .map(({ pointer, detail }) => {
      const field = pointer.slice(1).replaceAll('/', '.');
      return field === '' || detail.includes(field) ? detail : `${field} ${detail}`;
    })
    .join('; ');
}
