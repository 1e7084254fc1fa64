import { readFileSync } from 'node:fs';
import { type Command, readCall, UsageError } from './command.ts';
import { EXIT } from './exit.ts';
import { groups, loadGroup } from './groups.ts';
import { commandHelp, type Group, groupHelp, overview } from './help.ts';
import { explain, say } from './output.ts';
import { nearest } from './suggest.ts';

/** As long as a timer can be. */
const LONG_MS = 2 ** 31 - 1;

/** Carries out a command line, and says on standard error what went wrong. Resolves with the exit code (`EXIT`). */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // Nothing of an instance keeps a process alive, and one whose database has died waits all the same: for its answer.
  const alive = setInterval(() => {}, LONG_MS);
  try {
    return await dispatch(args, env);
  } catch (error) {
    return explain(error, optionsOf(args).includes('--json'));
  } finally {
    clearInterval(alive);
  }
}

async function dispatch(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [word = '--help', ...rest] = args;
  if (word === 'help' && rest.length > 0) return dispatch([...rest, '--help'], env);
  if (word === '--help' || word === '-h' || word === 'help') return show(overview(groups));
  if (word === '--version') return show(`${releaseOf()}\n`);
  const group = groups.find(({ name }) => name === word);
  if (group === undefined) {
    const meant = nearest(
      word,
      groups.map(({ name }) => name),
    );
    throw new UsageError(`no command ${word} (${hint('', meant)})`);
  }
  return runIn(await loadGroup(group), rest, env);
}

function runIn(
  group: Group,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> | number {
  const asksForHelp = optionsOf(args).some((arg) => arg === '--help' || arg === '-h');
  const command = commandOf(group, args);
  if (command === undefined) {
    const words = args.slice(0, indexOfOption(args));
    if (asksForHelp && words.length === 0) return show(groupHelp(group));
    if (words.length === 0) {
      if (optionsOf(args).includes('--json')) throw new UsageError(`sekisho ${group.name} what?`);
      process.stderr.write(groupHelp(group));
      return EXIT.usage;
    }
    const inside = subcommands(group, words);
    if (inside.length > 0) {
      if (asksForHelp)
        return show(
          groupHelp({ ...group, name: [group.name, ...words].join(' '), commands: inside }),
        );
      const names = inside.map(({ name }) => `sekisho ${name}`).join(', ');
      throw new UsageError(`sekisho ${group.name} ${words.join(' ')} what? ${names}`);
    }
    const meant = nearest(
      words[0] ?? '',
      group.commands.map(({ name }) => name.split(' ')[1] ?? ''),
    );
    throw new UsageError(
      `no command ${group.name} ${words.join(' ')} (${hint(` ${group.name}`, meant)})`,
    );
  }
  if (asksForHelp) return show(commandHelp(command));
  return command.run(readCall(command, args.slice(wordsOf(command).length - 1), env));
}

/** The command with the most words of those that were typed: `tenant policy set` before `tenant policy`. */
function commandOf(group: Group, args: readonly string[]): Command | undefined {
  const typed = [group.name, ...args];
  return group.commands
    .filter((command) => wordsOf(command).every((word, at) => typed[at] === word))
    .sort((a, b) => wordsOf(b).length - wordsOf(a).length)[0];
}

/** Commands that begin with all of the words that were typed, such as those of `tenant policy`. */
function subcommands(group: Group, words: readonly string[]): readonly Command[] {
  const typed = [group.name, ...words];
  return group.commands.filter(
    (command) =>
      wordsOf(command).length > typed.length &&
      typed.every((word, at) => wordsOf(command)[at] === word),
  );
}

function wordsOf({ name }: Command): readonly string[] {
  return name.split(' ');
}

function hint(group: string, meant: string | null): string {
  return meant === null ? `see sekisho${group} --help` : `did you mean sekisho${group} ${meant}?`;
}

function indexOfOption(args: readonly string[]): number {
  const at = args.findIndex((arg) => arg.startsWith('-'));
  return at < 0 ? args.length : at;
}

/** What stands before a `--`, after which nothing is an option. */
function optionsOf(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end < 0 ? args : args.slice(0, end);
}

/** From the package that this file was published in. */
function releaseOf(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { readonly version: string };
  return version;
}

function show(text: string): number {
  say(text);
  return EXIT.done;
}
