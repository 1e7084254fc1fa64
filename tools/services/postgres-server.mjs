/** One PostgreSQL server process on a data directory that is already there. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { startGuarded } from './guarded.mjs';
import { onFreePort, untilReady } from './network.mjs';
import { accepts, serverUser } from './postgres-clients.mjs';

const startTimeoutMs = 60_000;

/** Of every server for tests; durability is not what most of them are about. */
const usualSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  fsync: 'off',
  full_page_writes: 'off',
};

/**
 * @typedef {object} Login
 * @property {string} role
 * @property {string} password
 *
 * @typedef {object} PostgresServer
 * @property {number} port
 * @property {number} pid of the server now running
 * @property {boolean} running
 * @property {(login: Login, database: string) => string} urlFor
 * @property {(mode: 'fast' | 'immediate') => Promise<void>} halt
 * @property {() => Promise<void>} resume starts it again on the same port
 * @property {() => Promise<void>} stop
 */

/**
 * @param {{
 *   bin: string, folder: string, login: Login, settings?: Record<string, string | number>,
 * }} options `folder` is the scratch folder that holds `data` and `log`
 * @returns {Promise<PostgresServer>}
 */
export async function runServer({ bin, folder, login, settings = {} }) {
  const logFile = join(folder, 'log');

  /** @param {number} port @param {Login} as @param {string} database */
  const urlAt = (port, as, database) =>
    `postgres://${as.role}:${as.password}@127.0.0.1:${port}/${database}`;

  /** @param {number} port */
  const launch = async (port) => {
    const assignments = Object.entries({ ...usualSettings, ...settings, port });
    const server = await startGuarded({
      command: join(bin, 'postgres'),
      args: [
        ...['-D', join(folder, 'data')],
        ...assignments.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      ...{ cwd: folder, scratch: folder, logFile, stopSignal: 'SIGINT' },
      ...serverUser(),
    });
    const ready = () => accepts(urlAt(port, login, 'postgres'));
    await untilReady({ name: 'PostgreSQL', server, logFile, ready, timeoutMs: startTimeoutMs });
    return { server, port };
  };

  let current = await onFreePort(launch, 'could not bind');
  return {
    port: current.port,
    get pid() {
      return current.server.pid;
    },
    get running() {
      return current.server.running;
    },
    urlFor: (as, database) => urlAt(current.port, as, database),
    async halt(mode) {
      current.server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await current.server.exited;
    },
    async resume() {
      current = await launch(current.port);
    },
    stop: () => current.server.stop(),
  };
}

/**
 * Runs a program of PostgreSQL as the user that owns the data directories, without blocking this
 * process, which may hold proxies that the program's server needs.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, password?: string }} options
 * @returns {Promise<void>}
 */
export function runProgram(command, args, { cwd, password }) {
  return new Promise((resolve, reject) => {
    const program = spawn(command, args, {
      ...serverUser(),
      cwd,
      env: { ...process.env, ...(password === undefined ? {} : { PGPASSWORD: password }) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    program.stderr.on('data', (chunk) => {
      said += chunk;
    });
    program.once('error', reject);
    program.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} failed: ${said}`));
    });
  });
}
