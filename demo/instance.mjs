/** An instance of its own for the story: a real server process on a directory that is removed afterwards. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Settings of whoever runs the demo must not reach it. */
function cleanEnvironment() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(SEKISHO_|PORT$|HOST$|DATABASE_URL$|REDIS_URL$)/.test(name),
  );
  return Object.fromEntries(kept);
}

/** @param {{ slug: string, email: string, password: string }} first the first tenant and its administrator */
export async function startInstance(first) {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-demo-'));
  const env = {
    ...cleanEnvironment(),
    SEKISHO_DATA_DIR: directory,
    SEKISHO_LOG_LEVEL: 'error',
    SEKISHO_BOOTSTRAP_TENANT: first.slug,
    SEKISHO_BOOTSTRAP_EMAIL: first.email,
    SEKISHO_BOOTSTRAP_PASSWORD: first.password,
  };
  const server = spawn(process.execPath, [COMMAND, 'serve', '--port', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  server.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const ended = once(server, 'exit');
  /** @type {Promise<string>} */
  const listening = new Promise((resolve, reject) => {
    createInterface({ input: server.stdout }).on('line', (line) => {
      const found = /^listening (\S+)/.exec(line);
      if (found?.[1]) resolve(found[1]);
    });
    ended.then(() => reject(new Error(`the server did not start:\n${complaints}`)), reject);
  });

  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGTERM');
    await ended;
  };
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    return { directory, env, stop, remove, origin: await listening };
  } catch (error) {
    remove();
    throw error;
  }
}
