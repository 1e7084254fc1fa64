/** Runs a `sekisho` command, beside a cluster or on an instance of the demo. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/**
 * Resolves with what it printed.
 * @param {readonly string[]} args
 * @param {Record<string, string>} env
 * @param {string} [input] on its standard input
 */
export async function runCommand(args, env, input = '') {
  const child = spawn(process.execPath, [command, ...args], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let complaints = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`sekisho ${args.join(' ')}: ${complaints}`);
  return out;
}
