import { type Command, type Option, usageOf } from './command.ts';

/** The words that `sekisho` knows, in the order of its help. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

/** `sekisho --help`. */
export function overview(groups: readonly Group[]): string {
  return [
    'Usage: sekisho <command> [options]',
    '',
    'Session management for multi-tenant SaaS.',
    '',
    'Commands:',
    ...groups.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`),
    '',
    'sekisho <command> --help tells more; sekisho --version tells the release.',
    '',
  ].join('\n');
}

/** `sekisho tenant --help`. */
export function groupHelp(group: Group): string {
  const [only] = group.commands;
  if (only !== undefined && group.commands.length === 1) return commandHelp(only);
  const names = group.commands.map((command) =>
    ['sekisho', command.name, ...command.operands].join(' '),
  );
  const width = Math.max(...names.map(({ length }) => length));
  const lines = group.commands.map(
    ({ summary }, at) => `  ${(names[at] ?? '').padEnd(width)}  ${summary}`,
  );
  return ['Usage:', ...lines, ''].join('\n');
}

/** `sekisho tenant create --help`. */
export function commandHelp(command: Command): string {
  const lines = [`Usage: ${usageOf(command)}`, '', command.summary, ''];
  if (command.options.length > 0) lines.push('Options:', ...optionLines(command.options), '');
  if (command.examples.length > 0) {
    lines.push('Examples:', ...command.examples.map((example) => `  ${example}`), '');
  }
  return lines.join('\n');
}

function optionLines(options: readonly Option[]): string[] {
  const names = options.map(({ name, value }) => `--${name}${value ? ` ${value}` : ''}`);
  const width = Math.max(...names.map(({ length }) => length));
  return options.map(({ help }, at) => `  ${(names[at] ?? '').padEnd(width)}  ${help}`);
}
