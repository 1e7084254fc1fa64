#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { isSekishoError } from '../errors.ts';
import { type Command, readCall, UsageError } from './command.ts';
import { groups } from './groups.ts';
import { commandHelp, type Group, groupHelp, overview } from './help.ts';
import { complain } from './output.ts';

/** Wrong settings or a wrong command line. */
const EXIT_USAGE = 2;
/** A port, lock or directory that cannot be had, or a command that failed. */
const EXIT_FAILED = 1;

async function main(args: readonly string[]): Promise<number> {
  const [word = '--help', ...rest] = args;
  if (word === '--help' || word === '-h' || word === 'help') return show(overview(groups));
  if (word === '--version') return show(`${releaseOf()}\n`);
  const group = groups.find(({ name }) => name === word);
  if (group === undefined) throw new UsageError(`no command ${word} (see sekisho --help)`);
  return runIn(group, rest);
}

function runIn(group: Group, args: readonly string[]): Promise<number> | number {
  const [first] = args;
  const asksForHelp = args.some((arg) => arg === '--help' || arg === '-h');
  const command = group.commands.find(
    ({ name }) => name === group.name || name === `${group.name} ${first}`,
  );
  if (command === undefined) {
    if (asksForHelp || first === undefined) return show(groupHelp(group));
    throw new UsageError(`no command ${group.name} ${first} (see sekisho ${group.name} --help)`);
  }
  if (asksForHelp) return show(commandHelp(command));
  return run(command, command.name === group.name ? args : args.slice(1));
}

function run(command: Command, args: readonly string[]): Promise<number> {
  return command.run(readCall(command, args, process.env));
}

/** From the package that this file was published in. */
function releaseOf(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { readonly version: string };
  return version;
}

function show(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** One line for everything that can be expected to go wrong; a defect keeps its stack. */
function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) {
    complain(error.message);
    return EXIT_USAGE;
  }
  if (isSekishoError(error) && error.code !== 'internal') {
    // A message that already says what is wrong is not said twice.
    const wrong = (error.errors ?? [])
      .map(({ detail }) => detail)
      .filter((detail) => !error.message.includes(detail))
      .join('; ');
    complain(wrong === '' ? error.message : `${error.message} ${wrong}`);
    return error.code === 'invalid_configuration' ? EXIT_USAGE : EXIT_FAILED;
  }
  if (error instanceof Error && error.name === 'ListenError') complain(error.message);
  else process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT_FAILED;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
