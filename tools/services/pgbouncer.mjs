/** PgBouncer, the usual pooler, in front of a PostgreSQL that tests started. */
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOrInstall } from './debian.mjs';
import { startGuarded } from './guarded.mjs';
import { onFreePort, untilReady } from './network.mjs';
import { accepts, serverUser } from './postgres-clients.mjs';

const startTimeoutMs = 30_000;

/**
 * @typedef {object} Pgbouncer
 * @property {number} port
 * @property {(url: string) => string} through the same database and role, by way of the pooler; the role must
 *   be one of those that it was started with
 * @property {number} pid
 * @property {() => Promise<void>} stop
 */

/**
 * @param {{
 *   target: string, poolMode: 'session' | 'transaction' | 'statement', logins?: string[],
 *   settings?: Record<string, string | number>,
 * }} options `target` is a URL of the server with a role and its password; every database of that server
 *   can be reached. `logins` are URLs of further roles. `settings` are those of section [pgbouncer].
 * @returns {Promise<Pgbouncer>}
 */
export async function startPgbouncer({ target, poolMode, logins = [], settings = {} }) {
  const command = findOrInstall('pgbouncer', {
    packages: ['pgbouncer'],
    advice: 'install PgBouncer (Debian: apt-get install pgbouncer; macOS: brew install pgbouncer)',
  });
  const owner = serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-pgbouncer-'));
  const logFile = join(folder, 'log');
  const roles = join(folder, 'roles');
  const config = join(folder, 'pgbouncer.ini');
  const { hostname, port: serverPort } = new URL(target);

  /** @param {string} path @param {string} text */
  const write = (path, text) => {
    writeFileSync(path, text, { mode: 0o600 });
    if (owner.uid !== undefined && owner.gid !== undefined) {
      chownSync(path, owner.uid, owner.gid);
    }
  };

  /** @param {number} port */
  const launch = async (port) => {
    const assignments = Object.entries({
      listen_addr: '127.0.0.1',
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: roles,
      pool_mode: poolMode,
      max_client_conn: 500,
      default_pool_size: 40,
      server_connect_timeout: 5,
      ...settings,
    }).map(([name, value]) => `${name} = ${value}`);
    write(
      config,
      [
        ...['[databases]', `* = host=${hostname} port=${serverPort}`],
        ...['[pgbouncer]', ...assignments, ''],
      ].join('\n'),
    );
    const server = await startGuarded({
      ...{ command, args: [config], cwd: folder, scratch: folder, logFile, stopSignal: 'SIGINT' },
      ...owner,
    });
    const ready = () => accepts(throughPort(target, port));
    await untilReady({ name: 'PgBouncer', server, logFile, ready, timeoutMs: startTimeoutMs });
    return { port, server };
  };

  try {
    if (owner.uid !== undefined && owner.gid !== undefined) {
      chownSync(folder, owner.uid, owner.gid);
    }
    write(roles, [target, ...logins].map(roleLine).join(''));
    const { port, server } = await onFreePort(launch, 'already in use');
    return {
      port,
      through: (url) => throughPort(url, port),
      pid: server.pid,
      async stop() {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** @param {string} url */
function roleLine(url) {
  const { username, password } = new URL(url);
  const quoted = [username, password].map((word) => `"${decodeURIComponent(word)}"`);
  return `${quoted.join(' ')}\n`;
}

/** @param {string} url @param {number} port */
function throughPort(url, port) {
  const same = new URL(url);
  same.hostname = '127.0.0.1';
  same.port = String(port);
  return same.href;
}
