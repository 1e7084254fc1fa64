/**
 * The parent of one server under test; see guarded.mjs. Its only argument is the options as JSON.
 * Prints one line, `{"pid": …}` or `{"error": …}`, and when the server has ended another one,
 * `{"exit": <code or signal>}`; then it ends, too. When standard input closes it ends the server and
 * removes its scratch folder.
 */
import { spawn } from 'node:child_process';
import { openSync, rmSync } from 'node:fs';

const killAfterMs = 10_000;
/** @type {import('./guarded.mjs').GuardedOptions} */
const options = JSON.parse(process.argv[2] ?? '');
const log = openSync(options.logFile, 'a', 0o600);

const server = spawn(options.command, options.args, {
  cwd: options.cwd,
  uid: options.uid,
  gid: options.gid,
  stdio: ['ignore', log, log],
});
server.once('spawn', () => process.stdout.write(`${JSON.stringify({ pid: server.pid })}\n`));
server.once('error', (error) => {
  process.stdout.write(`${JSON.stringify({ error: error.message })}\n`);
  process.exit(1);
});
let stopping = false;
server.once('exit', (code, signal) => {
  if (stopping && options.scratch) rmSync(options.scratch, { recursive: true, force: true });
  // Nobody may be there to read it any more.
  process.stdout.once('error', () => process.exit(0));
  process.stdout.write(`${JSON.stringify({ exit: code ?? signal })}\n`, () => process.exit(0));
});

process.stdin.resume();
process.stdin.once('close', () => {
  stopping = true;
  server.kill(options.stopSignal);
  server.kill('SIGCONT'); // a stopped process takes no other signal
  setTimeout(() => server.kill('SIGKILL'), killAfterMs);
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => server.kill(options.stopSignal));
}
