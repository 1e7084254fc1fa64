import { type ParseArgsConfig, parseArgs } from 'node:util';

/** One option of a command. Without `value` it is a switch; with it, `--name <value>`. */
export interface Option {
  readonly name: string;
  readonly value?: string;
  readonly help: string;
}

/** One command of `sekisho`, such as `tenant create`. */
export interface Command {
  /** Its words, as they are typed. */
  readonly name: string;
  /** What stands where, such as `SLUG`; all of them are required. */
  readonly operands: readonly string[];
  readonly summary: string;
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  /** Resolves with the exit code. */
  run(call: Call): Promise<number>;
}

/** A command line, read. */
export interface Call {
  readonly operands: readonly string[];
  /** Values of options by name without dashes; switches that were given are `true`. */
  readonly options: Readonly<Record<string, string | true>>;
  readonly env: NodeJS.ProcessEnv;
}

/** The command line was wrong: exit code 2, with one line that says what it should be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads what follows the command's words. @throws UsageError */
export function readCall(command: Command, args: readonly string[], env: NodeJS.ProcessEnv): Call {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const { name, value } of command.options) {
    options[name] = { type: value === undefined ? 'boolean' : 'string' };
  }
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${message.split('. ', 1)[0]} (see sekisho ${command.name} --help)`);
  }
  const { positionals, values } = parsed;
  if (positionals.length !== command.operands.length) {
    throw new UsageError(`usage: ${usageOf(command)}`);
  }
  return { operands: positionals, options: values as Call['options'], env };
}

/** The command in one line. */
export function usageOf(command: Command): string {
  const options = command.options.length > 0 ? ['[options]'] : [];
  return ['sekisho', command.name, ...command.operands, ...options].join(' ');
}

/** An operand, which `readCall` has made sure of. */
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
