import { type ParseArgsConfig, parseArgs } from 'node:util';
import { isId } from '../id.ts';
import { nearest } from './suggest.ts';

/** One option of a command. Without `value` it is a switch; with it, `--name <value>`. */
export interface Option {
  readonly name: string;
  readonly value?: string;
  readonly help: string;
  /** It may be given several times (`many` reads it). */
  readonly repeats?: boolean;
  /** It stands under this heading of the help, after the command's own options. */
  readonly heading?: string;
}

/** One command of `sekisho`, such as `tenant create`. */
export interface Command {
  /** Its words, as they are typed. */
  readonly name: string;
  /** What stands where, such as `SLUG`; one in brackets, `[SLUG]`, may be left out, and then those after it, too. */
  readonly operands: readonly string[];
  /** One sentence. */
  readonly summary: string;
  /** What more there is to know: paragraphs. */
  readonly description?: readonly string[];
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  /** Resolves with the exit code (`EXIT`). */
  run(call: Call): Promise<number>;
}

/** A command line, read. */
export interface Call {
  readonly operands: readonly string[];
  /** Values of options by name without dashes; switches that were given are `true`; a list for those that repeat. */
  readonly options: Readonly<Record<string, string | true | readonly string[]>>;
  readonly env: NodeJS.ProcessEnv;
}

/** The command line was wrong: exit code 2, with one line that says what it should be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `--yes`: for commands that ask before they destroy something. */
export const yesOption: Option = Object.freeze({ name: 'yes', help: 'do not ask first' });

/** Reads what follows the command's words. @throws UsageError */
export function readCall(command: Command, args: readonly string[], env: NodeJS.ProcessEnv): Call {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const { name, value, repeats = false } of command.options) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: repeats };
  }
  let parsed: ReturnType<typeof parseArgs>;
  try {
    const safe = withIdsApart(command, args);
    parsed = parseArgs({ args: safe, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw wrongOption(command, error);
  }
  const { positionals, values } = parsed;
  const least = command.operands.filter((name) => !name.startsWith('[')).length;
  if (positionals.length < least || positionals.length > command.operands.length) {
    throw new UsageError(`usage: ${usageOf(command)}`);
  }
  return { operands: positionals, options: values as Call['options'], env };
}

/** The command in one line. */
export function usageOf(command: Command): string {
  const options = command.options.length > 0 ? ['[options]'] : [];
  return ['sekisho', command.name, ...command.operands, ...options].join(' ');
}

/** An operand, which `readCall` has made sure of; '' for one that was left out. */
export function operand(call: Call, at: number): string {
  return call.operands[at] ?? '';
}

/** The value of an option, or null. */
export function optional(call: Call, name: string): string | null {
  const value = call.options[name];
  return typeof value === 'string' ? value : null;
}

/** The value of an option that must be there. @throws UsageError */
export function required(call: Call, name: string): string {
  const value = optional(call, name);
  if (value === null) throw new UsageError(`--${name} is missing`);
  return value;
}

/** Every value of an option that repeats, in order. */
export function many(call: Call, name: string): readonly string[] {
  const value = call.options[name];
  return Array.isArray(value) ? value : [];
}

/** Whether a switch was given. */
export function given(call: Call, name: string): boolean {
  return call.options[name] === true;
}

/** Whether the answer is wanted as one line of JSON. */
export function wantsJson(call: Call): boolean {
  return given(call, 'json');
}

/** The value of an option as a whole number, or null. @throws UsageError outside `least` to `most` */
export function integer(call: Call, name: string, least: number, most: number): number | null {
  const text = optional(call, name);
  if (text === null) return null;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} must be a whole number, ${least} to ${most}`);
}

/** The value of an option that is one of some words, or null. @throws UsageError */
export function oneOf<Word extends string>(
  call: Call,
  name: string,
  words: readonly Word[],
): Word | null {
  const text = optional(call, name);
  if (text === null) return null;
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${name} must be one of ${words.join(', ')}`);
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** What a time span may be, in seconds. */
export interface SpanBounds {
  readonly least: number;
  readonly most: number;
}

/**
 * The value of an option as a time span, in seconds, or null: a whole number with its unit (`90s`, `15m`, `2h`, `1d`), or
 * bare seconds. @throws UsageError also outside `bounds`
 */
export function duration(call: Call, name: string, bounds?: SpanBounds): number | null {
  const text = optional(call, name);
  if (text === null) return null;
  const seconds = secondsOf(text);
  if (seconds === null) {
    throw new UsageError(`--${name} must be a time span such as 90s, 15m, 2h or 1d`);
  }
  if (bounds === undefined || (seconds >= bounds.least && seconds <= bounds.most)) return seconds;
  const { least, most } = bounds;
  throw new UsageError(`--${name} must be ${spanWords(least)} to ${spanWords(most)}, not ${text}`);
}

/** A time span in its largest whole unit: `90s`, `15m`, `2h`, `1d`. */
export function spanWords(seconds: number): string {
  const fits = Object.entries(UNITS).findLast(([, size]) => seconds > 0 && seconds % size === 0);
  const [unit, size] = fits ?? ['s', 1];
  return `${seconds / size}${unit}`;
}

/** A time span such as `90s`, `15m`, `2h` or `1d`, or bare seconds, in seconds; null for anything else. */
export function secondsOf(text: string): number | null {
  const [, digits, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  return digits === undefined ? null : Number(digits) * UNITS[unit as keyof typeof UNITS];
}

/** One id in 64 begins with a dash, which would make it an option: such ids are told by their shape. */
function withIdsApart(command: Command, args: readonly string[]): string[] {
  const before: string[] = [];
  const operands: string[] = [];
  const takesValue = (arg: string | undefined): boolean =>
    command.options.some(({ name, value }) => value !== undefined && arg === `--${name}`);
  const isOption = (arg: string): boolean =>
    command.options.some(({ name }) => arg === `--${name}`);
  for (const [at, arg] of args.entries()) {
    if (arg === '--') return [...before, arg, ...operands, ...args.slice(at + 1)];
    if (!arg.startsWith('-') || !isId(arg) || isOption(arg)) before.push(arg);
    else if (takesValue(before.at(-1))) before.push(`${before.pop()}=${arg}`);
    else operands.push(arg);
  }
  // Behind the others: no command has both an id and something else as operands.
  return operands.length === 0 ? before : [...before, '--', ...operands];
}

function wrongOption(command: Command, error: unknown): UsageError {
  const message = error instanceof Error ? error.message : String(error);
  const [words = message] = message.split('. ', 1);
  const [, unknown] = /^Unknown option '--([^']+)'/.exec(words) ?? [];
  const meant =
    unknown === undefined
      ? null
      : nearest(
          unknown,
          command.options.map(({ name }) => name),
        );
  // What begins with a dash and is meant as a name or an id stands behind two of them.
  const mayBeName = command.operands.length > 0 && /^Unknown option '-[^-]/.test(words);
  const hint =
    meant !== null
      ? `did you mean --${meant}?`
      : mayBeName
        ? `is it ${command.operands[0]}? Then put it last, behind --`
        : `see sekisho ${command.name} --help`;
  return new UsageError(`${words} (${hint})`);
}
