/** A real PostgreSQL for tests, benchmarks and demos: own data directory, own port, own processes. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresBinaries } from './postgres-binaries.mjs';
import { loginOf, serverUser, withClient } from './postgres-clients.mjs';
import { runProgram, runServer } from './postgres-server.mjs';

/** Autovacuum is a superuser's: whoever drops a database may not end it, and waits for it to give way. */
const INSUFFICIENT_PRIVILEGE = '42501';
const DROP_TRIES = 50;
const DROP_AGAIN_MS = 100;

/**
 * @typedef {object} Postgres
 * @property {string} url of a database, for a role that may create databases and roles but is no
 *   superuser, so that row-level security holds for it
 * @property {string} superuserUrl for what only a superuser may do (terminating other backends, settings)
 * @property {number} major version
 * @property {number} port
 * @property {number} pid of the server now running
 * @property {boolean} running
 * @property {string} dataDirectory
 * @property {(mode: 'fast' | 'immediate') => Promise<void>} halt stops the server and keeps its data;
 *   `immediate` is a crash, recovery follows at the next start
 * @property {() => Promise<void>} resume starts it again on the same port
 * @property {() => Promise<Snapshot>} snapshotDataDirectory copies the data directory of the running
 *   server, undisturbed, as a backup would
 * @property {(snapshot: Snapshot) => Promise<void>} putBack ends the server and starts it again on an
 *   earlier state, same port and same timeline: a restore that nobody declares
 * @property {() => Promise<void>} stop ends it and removes its data
 *
 * @typedef {object} Snapshot
 * @property {string} path of the copy
 */

/**
 * @param {{ settings?: Record<string, string | number> }} [options] `settings` are server settings
 *   over the usual ones; set `fsync: 'on'` where durability is what is tested
 * @returns {Promise<Postgres>}
 */
export async function startPostgres({ settings } = {}) {
  const { bin } = postgresBinaries();
  const folder = serverFolder();
  const superuser = { role: 'sekisho_super', password: randomBytes(16).toString('hex') };
  const tester = { role: 'sekisho_test', password: randomBytes(16).toString('hex') };
  return openIn(folder, async () => {
    createCluster({ bin, folder, superuser });
    const postgres = await openServer({ folder, superuser, tester, settings });
    await withClient(postgres.superuserUrl, async (client) => {
      await client.query(
        `create role ${tester.role} login createdb createrole nosuperuser nobypassrls password '${tester.password}'`,
      );
      await client.query(`create database ${tester.role} owner ${tester.role}`);
    });
    return postgres;
  });
}

/**
 * A streaming replica of a running server: its data, its roles, a port of its own. It follows until it is
 * promoted.
 * @param {Postgres} primary
 * @param {{ primaryPort: number, name: string, settings?: Record<string, string | number> }} options
 *   `primaryPort` is where it streams from (a proxy's, so that the stream can be held); `name` is what
 *   synchronous_standby_names calls it
 * @returns {Promise<Postgres>}
 */
export async function startReplica(primary, { primaryPort, name, settings }) {
  const folder = serverFolder();
  const superuser = loginOf(primary.superuserUrl);
  return openIn(folder, async () => {
    await baseBackup(primary, join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'standby.signal'), '');
    const { uid, gid } = serverUser();
    if (uid !== undefined && gid !== undefined) {
      chownSync(join(folder, 'data', 'standby.signal'), uid, gid);
    }
    return openServer({
      folder,
      superuser,
      tester: loginOf(primary.url),
      settings: {
        ...settings,
        primary_conninfo: `host=127.0.0.1 port=${primaryPort} user=${superuser.role} password=${superuser.password} application_name=${name}`,
      },
    });
  });
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
      await withClient(adminUrl, async (client) => {
        for (let tries = 1; ; tries += 1) {
          try {
            await client.query(`drop database ${name} with (force)`);
            return;
          } catch (error) {
            const { code } = /** @type {{ code?: string }} */ (error);
            if (tries === DROP_TRIES || code !== INSUFFICIENT_PRIVILEGE) throw error;
            await sleep(DROP_AGAIN_MS);
          }
        }
      });
    },
  };
}

/**
 * @param {{
 *   folder: string, superuser: import('./postgres-server.mjs').Login,
 *   tester: import('./postgres-server.mjs').Login,
 *   settings: Record<string, string | number> | undefined,
 * }} options
 * @returns {Promise<Postgres>}
 */
async function openServer({ folder, superuser, tester, settings = {} }) {
  const { bin, major } = postgresBinaries();
  const data = join(folder, 'data');
  const server = await runServer({ bin, folder, login: superuser, settings });
  let snapshots = 0;
  /** @type {Postgres} */
  const postgres = {
    url: server.urlFor(tester, tester.role),
    superuserUrl: server.urlFor(superuser, 'postgres'),
    major,
    port: server.port,
    get pid() {
      return server.pid;
    },
    get running() {
      return server.running;
    },
    dataDirectory: data,
    halt: server.halt,
    resume: server.resume,
    async snapshotDataDirectory() {
      snapshots += 1;
      const path = join(folder, `snapshot-${snapshots}`);
      await baseBackup(postgres, path);
      return { path };
    },
    async putBack({ path }) {
      await server.halt('immediate');
      rmSync(data, { recursive: true });
      await runProgram('cp', ['-a', path, data], { cwd: folder });
      await server.resume();
    },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return postgres;
}

/** @param {Postgres} from @param {string} into a folder that is not there yet */
async function baseBackup(from, into) {
  const { bin } = postgresBinaries();
  const { role, password } = loginOf(from.superuserUrl);
  await runProgram(
    join(bin, 'pg_basebackup'),
    [
      ...['--pgdata', into, '--host', '127.0.0.1', '--port', String(from.port)],
      ...['--username', role, '--no-password', '--checkpoint', 'fast', '--wal-method', 'stream'],
      '--no-sync',
    ],
    { cwd: join(into, '..'), password },
  );
}

/** A scratch folder that the server's user owns. */
function serverFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-postgres-'));
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return folder;
}

/**
 * What was begun in a folder and failed leaves nothing behind.
 * @param {string} folder
 * @param {() => Promise<Postgres>} open
 */
async function openIn(folder, open) {
  try {
    return await open();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * @param {{ bin: string, folder: string, superuser: import('./postgres-server.mjs').Login }} cluster
 */
function createCluster({ bin, folder, superuser }) {
  const owner = serverUser();
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, superuser.password, { mode: 0o600 });
  mkdirSync(data, { mode: 0o700 });
  if (owner.uid !== undefined && owner.gid !== undefined) {
    for (const path of [data, passwordFile]) chownSync(path, owner.uid, owner.gid);
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
