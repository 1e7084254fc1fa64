import { type Command, type Option, usageOf } from './command.ts';

/** The words that `sekisho` knows, in the order of its help. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

/** Columns of a line of help. */
const COLUMNS = 100;

/** `sekisho --help`. */
export function overview(groups: readonly Pick<Group, 'name' | 'summary'>[]): string {
  return [
    'Usage: sekisho <command> [options]',
    '',
    'Session management for multi-tenant SaaS.',
    '',
    'Commands:',
    ...columns(groups.map(({ name, summary }) => [name, summary])),
    '',
    'Every command has --help and, but for serve, --json. Commands reach the server that runs on the data',
    'directory; while none does, or with a DATABASE_URL, they do the work themselves.',
    '',
    'Examples:',
    '  sekisho serve',
    '  sekisho tenant create skyline --admin-email noor@skyline.example',
    '  sekisho revoke user --tenant skyline noor@skyline.example --reason "laptop lost"',
    '  sekisho doctor --json',
    '',
    'Exit codes: 0 done; 1 failed; 2 wrong command line or settings; 3 a revocation is committed, but not',
    'everywhere yet.',
    '',
    'sekisho <command> --help tells more; sekisho --version tells the release.',
    '',
  ].join('\n');
}

/** `sekisho tenant --help`. */
export function groupHelp(group: Group): string {
  const [only] = group.commands;
  if (only !== undefined && group.commands.length === 1 && only.name === group.name) {
    return commandHelp(only);
  }
  const examples = group.commands.flatMap(({ examples: [first] }) => first ?? []);
  return [
    `Usage: sekisho ${group.name} <command> [options]`,
    '',
    `${sentence(group.summary)}`,
    '',
    'Commands:',
    ...columns(
      group.commands.map(({ name, operands, summary }) => [[name, ...operands].join(' '), summary]),
    ),
    '',
    ...(examples.length === 0 ? [] : ['Examples:', ...examples.map((one) => `  ${one}`), '']),
    `sekisho ${group.name} <command> --help tells more.`,
    '',
  ].join('\n');
}

/** `sekisho tenant create --help`. */
export function commandHelp(command: Command): string {
  const lines = [`Usage: ${usageOf(command)}`, '', ...wrapped(command.summary, 0), ''];
  for (const paragraph of command.description ?? []) lines.push(...wrapped(paragraph, 0), '');
  for (const heading of new Set(command.options.map((option) => option.heading ?? 'Options'))) {
    const options = command.options.filter((option) => (option.heading ?? 'Options') === heading);
    lines.push(`${heading}:`, ...columns(options.map((one) => [nameOf(one), one.help])), '');
  }
  if (command.examples.length > 0) {
    lines.push('Examples:', ...command.examples.map((example) => `  ${example}`), '');
  }
  return lines.join('\n');
}

function nameOf({ name, value, repeats }: Option): string {
  return `--${name}${value === undefined ? '' : ` ${value}`}${repeats === true ? ' …' : ''}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.flatMap(([name, text]) => {
    const [first = '', ...rest] = wrapped(text, width + 4);
    return [`  ${name.padEnd(width)}  ${first}`.trimEnd(), ...rest];
  });
}

/** Words in lines of `COLUMNS`; all but the first begin at column `indent`. */
function wrapped(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((one, at) => (at === 0 ? one : ' '.repeat(indent) + one));
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
