import { createInterface, type Interface } from 'node:readline';
import { UsageError } from './command.ts';

/** Characters that a password may have at most; more is a mistake such as a whole file. */
const MAX_INPUT = 4096;

/**
 * A password from the person at the terminal (not shown, asked twice), or the first line of standard input when that is
 * no terminal. It is never taken from the command line, which other users of the machine can see.
 *
 * @throws UsageError when there is none, or the two differ.
 */
export async function readPassword(question: string): Promise<string> {
  if (!process.stdin.isTTY) return readFirstLine();
  const [password, again] = await ask([`${question}: `, `${question}, again: `]);
  if (password === undefined) throw new UsageError('a password is expected');
  if (again !== password) throw new UsageError('the two passwords differ');
  return password;
}

async function readFirstLine(): Promise<string> {
  process.stdin.setEncoding('utf8');
  let input = '';
  for await (const chunk of process.stdin) {
    input += String(chunk);
    if (input.includes('\n') || input.length > MAX_INPUT) break;
  }
  const line = input.split(/\r?\n/, 1)[0] ?? '';
  if (line === '') throw new UsageError('a password is expected on standard input');
  return line;
}

/**
 * Asks on standard error, so that standard output stays for results. Nothing that is typed is shown: the terminal is raw
 * before the first question appears and until after the last answer. An empty answer ends it.
 */
async function ask(questions: readonly string[]): Promise<string[]> {
  const lines = createInterface({ input: process.stdin, terminal: true });
  const answers: string[] = [];
  try {
    for (const question of questions) {
      process.stderr.write(question);
      const answer = await nextLine(lines);
      process.stderr.write('\n');
      if (answer === '') break;
      answers.push(answer);
    }
  } finally {
    lines.close();
  }
  return answers;
}

/** Ctrl-C and Ctrl-D are empty answers. */
function nextLine(lines: Interface): Promise<string> {
  return new Promise((resolve) => {
    lines.once('line', resolve);
    lines.once('SIGINT', () => resolve(''));
    lines.once('close', () => resolve(''));
  });
}
