/** A real PostgreSQL for tests, benchmarks and demos: own data directory, own port, own processes. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startGuarded } from './guarded.mjs';
import { onFreePort, untilReady } from './network.mjs';
import { postgresBinaries } from './postgres-binaries.mjs';

const startTimeoutMs = 30_000;

/**
 * @typedef {object} Postgres
 * @property {string} url of a database, for a role that may create databases and roles but is no
 *   superuser, so that row-level security holds for it
 * @property {string} superuserUrl for what only a superuser may do (terminating other backends, settings)
 * @property {number} major version
 * @property {number} pid of the server now running
 * @property {string} dataDirectory
 * @property {(mode: 'fast' | 'immediate') => Promise<void>} halt stops the server and keeps its data;
 *   `immediate` is a crash, recovery follows at the next start
 * @property {() => Promise<void>} resume starts it again on the same port
 * @property {() => Promise<void>} stop ends it and removes its data
 */

/**
 * @param {{ settings?: Record<string, string | number> }} [options] `settings` are server settings
 *   over those below; set `fsync: 'on'` where durability is what is tested
 * @returns {Promise<Postgres>}
 */
export async function startPostgres(options = {}) {
  const { bin, major } = postgresBinaries();
  const owner = serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-postgres-'));
  const data = join(folder, 'data');
  const logFile = join(folder, 'log');
  const superuser = { role: 'sekisho_super', password: randomBytes(16).toString('hex') };
  const tester = { role: 'sekisho_test', password: randomBytes(16).toString('hex') };

  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    fsync: 'off',
    full_page_writes: 'off',
    ...options.settings,
  };

  /** @type {import('./guarded.mjs').Guarded | undefined} */
  let server;
  let port = 0;

  /** @param {{ role: string, password: string }} login @param {string} database */
  const urlFor = (login, database) =>
    `postgres://${login.role}:${login.password}@127.0.0.1:${port}/${database}`;

  const launch = async () => {
    const assignments = Object.entries({ ...settings, port }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    server = await startGuarded({
      command: join(bin, 'postgres'),
      args: ['-D', data, ...assignments],
      cwd: folder,
      scratch: folder,
      logFile,
      stopSignal: 'SIGINT',
      ...owner,
    });
    const ready = () => accepts(urlFor(superuser, 'postgres'));
    await untilReady({ name: 'PostgreSQL', server, logFile, ready, timeoutMs: startTimeoutMs });
  };

  try {
    createCluster({ bin, folder, data, owner, superuser });
    await onFreePort((free) => {
      port = free;
      return launch();
    }, 'could not bind');
    await withClient(urlFor(superuser, 'postgres'), async (client) => {
      await client.query(
        `create role ${tester.role} login createdb createrole nosuperuser nobypassrls password '${tester.password}'`,
      );
      await client.query(`create database ${tester.role} owner ${tester.role}`);
    });
  } catch (error) {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }

  return {
    url: urlFor(tester, tester.role),
    superuserUrl: urlFor(superuser, 'postgres'),
    major,
    get pid() {
      return server?.pid ?? 0;
    },
    dataDirectory: data,
    async halt(mode) {
      server?.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await server?.exited;
    },
    resume: launch,
    async stop() {
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * One fresh, empty database, owned by the role of `adminUrl`; a test file takes one for itself.
 * `drop` ends the connections that are left in it.
 * @param {string} adminUrl
 * @returns {Promise<{ url: string, drop: () => Promise<void> }>}
 */
export async function createTestDatabase(adminUrl) {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await withClient(adminUrl, (client) => client.query(`create database ${name}`));
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await withClient(adminUrl, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
}

/**
 * @template T
 * @param {string} url
 * @param {(client: pg.Client) => Promise<T>} work
 */
async function withClient(url, work) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // a server that stops under us fails the query itself
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Whether one can log in at that URL now. @param {string} url */
export async function accepts(url) {
  return withClient(url, () => Promise.resolve(true)).catch(() => false);
}

/**
 * PostgreSQL refuses to run as root; then it runs as the user its package made, or as nobody.
 * @returns {{ uid?: number, gid?: number }}
 */
export function serverUser() {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const uid = spawnSync('id', ['-u', name], { encoding: 'utf8' });
    const gid = spawnSync('id', ['-g', name], { encoding: 'utf8' });
    if (uid.status === 0 && gid.status === 0) {
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    }
  }
  throw new Error('PostgreSQL does not run as root: a user named postgres is needed');
}

/**
 * @param {{
 *   bin: string, folder: string, data: string,
 *   owner: { uid?: number, gid?: number }, superuser: { role: string, password: string },
 * }} cluster
 */
function createCluster({ bin, folder, data, owner, superuser }) {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, superuser.password, { mode: 0o600 });
  mkdirSync(data, { mode: 0o700 });
  if (owner.uid !== undefined && owner.gid !== undefined) {
    for (const path of [folder, data, passwordFile]) chownSync(path, owner.uid, owner.gid);
  }
  const { status, stderr, error } = spawnSync(
    join(bin, 'initdb'),
    [
      ...['--pgdata', data, '--username', superuser.role, '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
    ],
    { ...owner, cwd: folder, encoding: 'utf8' },
  );
  rmSync(passwordFile);
  if (status !== 0) throw new Error(`initdb failed: ${error?.message ?? stderr}`);
}
