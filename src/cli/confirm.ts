import { createInterface } from 'node:readline';
import { type Call, given, UsageError } from './command.ts';

/**
 * Asks before something is destroyed, on standard error; only `y` or `yes` goes on. `--yes` answers beforehand, and where
 * nobody can be asked it is needed.
 *
 * @throws UsageError when the answer is no, or there is nobody to ask.
 */
export async function confirm(call: Call, question: string): Promise<void> {
  if (given(call, 'yes')) return;
  if (!process.stdin.isTTY) throw new UsageError(`${question} Say so with --yes`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await new Promise<string>((resolve) => {
    lines.once('close', () => resolve(''));
    lines.question(`${question} [y/N] `, resolve);
  }).finally(() => lines.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('nothing was done');
}
