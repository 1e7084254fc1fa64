// What removing expired sessions costs those who are logged in: the time of authentication before, while and after clean-up
// removes a million of them, on PostgreSQL and on the embedded database (A3).
//
//   npm run bench:cleanup                        1,000,000 sessions, both databases
//   npm run bench:cleanup -- 100000 postgres     fewer, on one of them
//
// The server is a process of its own. It measures each authenticate(token) that it makes itself, a hundred a second; the
// other process measures /v1/authenticate over HTTP on loopback, a hundred a second, and refreshes, five a second, which
// the record answers. Every other session has a used refresh token, which goes with it. Printed are quantiles of each
// phase, and of `during` and `after` as ratios to `before`. What a quiet machine shows stands in docs/operations.md.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openPglite } from '../dist/record/pglite/open.js';
import { openPostgres } from '../dist/record/postgres/open.js';
import { createSqlRecord } from '../dist/record/sql-record.js';
import { createTestDatabase, startPostgres } from '../tools/services/postgres.mjs';
import { startClient } from './cleanup/client.mjs';
import { fill } from './cleanup/fill.mjs';

const SECRET = 'a secret of the benchmark that is long enough';
const CALM_MS = 20_000;
const MOST_MS = 3_600_000;

await compare();

async function compare() {
  const sessions = Number(process.argv[2] ?? 1_000_000);
  const only = process.argv[3] ?? null;
  if (
    !(Number.isInteger(sessions) && sessions >= 1000) ||
    ![null, 'postgres', 'embedded'].includes(only)
  ) {
    console.error('usage: npm run bench:cleanup -- [sessions ≥ 1000] [postgres | embedded]');
    process.exit(2);
  }
  if (only !== 'embedded') await onPostgres(sessions);
  if (only !== 'postgres') await embedded(sessions);
}

/** @param {number} sessions */
async function onPostgres(sessions) {
  const postgres = await startPostgres();
  try {
    const { url } = await createTestDatabase(postgres.url);
    const database = await openPostgres({ url });
    await createSqlRecord(database).migrate();
    await fill(database, sessions);
    await database.close();
    const options = { databaseUrl: url, secret: SECRET };
    print(`PostgreSQL ${postgres.major}`, sessions, await measure(options));
  } finally {
    await postgres.stop();
  }
}

/** @param {number} sessions */
async function embedded(sessions) {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-bench-'));
  try {
    const dataDir = join(directory, 'data');
    const database = await openPglite({ dataDir });
    await createSqlRecord(database).migrate();
    await fill(database, sessions);
    await database.close();
    print('embedded', sessions, await measure({ dataDir }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs the server in a process of its own, and the phases. */
async function measure(options) {
  const child = fork(fileURLToPath(new URL('./cleanup/server.mjs', import.meta.url)), [], {
    env: { ...process.env, BENCH_SERVE: JSON.stringify(options) },
  });
  const failed = new Promise((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  failed.catch(() => {});
  const next = (kind) =>
    Promise.race([
      failed,
      new Promise((resolve) => {
        const listen = (message) => {
          if (message.kind !== kind) return;
          child.off('message', listen);
          resolve(message);
        };
        child.on('message', listen);
      }),
    ]);
  try {
    const { origin } = await next('ready');
    const client = await startClient(origin);
    const phases = {};
    const phase = async (name, until) => {
      console.error(`${name} …`);
      child.send({ kind: 'phase', name });
      client.begin();
      const beganMs = performance.now();
      await until();
      phases[name] = { ...client.end(), ms: performance.now() - beganMs };
    };
    await sleep(3_000);
    await phase('before', () => sleep(CALM_MS));
    const over = next('cleaned');
    child.send({ kind: 'clean' });
    await phase('during', () => Promise.race([over, sleep(MOST_MS, undefined, { ref: false })]));
    const { removed } = await over;
    await phase('after', () => sleep(CALM_MS));
    await client.stop();
    const told = next('told');
    child.send({ kind: 'tell' });
    const { own } = await told;
    for (const name of Object.keys(phases)) phases[name].own = own[name];
    return { phases, removed };
  } finally {
    child.removeAllListeners('exit');
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    if (child.exitCode === null) await exit;
  }
}

function print(shape, sessions, { phases, removed }) {
  const { before, during, after } = phases;
  const seconds = during.ms / 1000;
  console.log(
    `${shape}: ${removed} of ${sessions} expired sessions removed in ${seconds.toFixed(0)} s, ${Math.round(removed / seconds)} a second`,
  );
  console.log(
    `${' '.repeat(24)}before p50   p99 ms   during p50   p99 ms    (× p99)   after p99 ms    (× p99)`,
  );
  for (const [what, name] of [
    ['authenticate(token)', 'own'],
    ['/v1/authenticate', 'http'],
    ['/v1/refresh', 'refresh'],
  ]) {
    const ms = (value) => value.toFixed(name === 'own' ? 4 : 2);
    const ratio = (value) => `× ${(value[name].p99 / before[name].p99).toFixed(2)}`;
    console.log(
      [
        what.padEnd(22),
        ms(before[name].p50).padStart(10),
        ms(before[name].p99).padStart(9),
        ms(during[name].p50).padStart(11),
        ms(during[name].p99).padStart(9),
        ratio(during).padStart(10),
        ms(after[name].p99).padStart(13),
        ratio(after).padStart(10),
      ].join(' '),
    );
  }
  const longest = (name) => `${Math.round(during[name].max)} ms`;
  console.log(
    `longest during: authenticate ${longest('own')}, over HTTP ${longest('http')}, refresh ${longest('refresh')}`,
  );
  console.log(
    `requests that failed: ${before.failures.length} before, ${during.failures.length} during, ${after.failures.length} after`,
  );
  for (const one of [before, during, after].flatMap(({ failures }) => failures.slice(0, 5)))
    console.log(`  ${one}`);
}
