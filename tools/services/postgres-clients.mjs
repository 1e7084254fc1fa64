/** Short-lived connections to a PostgreSQL for tests, and the system user that runs its servers. */
import { spawnSync } from 'node:child_process';
import pg from 'pg';

/**
 * @template T
 * @param {string} url
 * @param {(client: pg.Client) => Promise<T>} work
 */
export async function withClient(url, work) {
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

/** The login that a URL carries. @param {string} url */
export function loginOf(url) {
  const { username, password } = new URL(url);
  return { role: decodeURIComponent(username), password: decodeURIComponent(password) };
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
