import { createInterface } from 'node:readline';
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
  const password = await ask(`${question}: `);
  if ((await ask(`${question}, again: `)) !== password) {
    throw new UsageError('the two passwords differ');
  }
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

/** Asks on standard error, so that standard output stays for results; what is typed is not shown. */
function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const lines = createInterface({ input: process.stdin, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      lines.close();
      process.stderr.write('\n');
      if (line === '') reject(new UsageError('a password is expected'));
      else resolve(line);
    });
    lines.once('SIGINT', () => {
      lines.close();
      process.stderr.write('\n');
      reject(new UsageError('no password was given'));
    });
  });
}
