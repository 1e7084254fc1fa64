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
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nodeHandler } from '../dist/adapter/node/index.js';
import { createSekisho } from '../dist/index.js';
import { openPglite } from '../dist/record/pglite/open.js';
import { openPostgres } from '../dist/record/postgres/open.js';
import { createSqlRecord } from '../dist/record/sql-record.js';
import { createTestDatabase, startPostgres } from '../tools/services/postgres.mjs';

const SECRET = 'a secret of the benchmark that is long enough';
const PASSWORD = 'violet-anchor-lantern-93';
const CALM_MS = 20_000;
const CHECK_EVERY_MS = 10;
const REFRESH_EVERY_MS = 200;
/** Rows that are written at once, so that no statement passes its deadline. */
const FILL_ROWS = 20_000;
const MOST_MS = 3_600_000;

if (process.env.BENCH_SERVE === undefined) await compare();
else await serve(JSON.parse(process.env.BENCH_SERVE));

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

/** Sessions that ended a month ago, of a thousand tenants. */
async function fill(database, sessions) {
  console.error(`writing ${sessions} expired sessions …`);
  const system = { text: "select set_config('role', 'sekisho_system', true)" };
  const deadline = { deadlineMs: 600_000 };
  for (let from = 1; from <= sessions; from += FILL_ROWS) {
    const to = Math.min(sessions, from + FILL_ROWS - 1);
    await database.transaction(
      [
        system,
        {
          text: `insert into sekisho.session
              (tid, sid, uid, device_name, ip, user_agent, amr, auth_time, created_at, last_seen_at, idle_timeout_s,
               absolute_end_at, generation, epoch, current_hash, issued_at, successor_hash, successor_key_id)
            select 't' || n % 1000, md5('s' || n), md5('u' || n / 5), 'Phone', '192.0.2.1', 'bench', '{pwd}', at, at, at, 3600,
                   at + interval '1 day', 'g', 1, sha256(('c' || n)::bytea), at, sha256(('d' || n)::bytea), 'k'
              from generate_series($1::integer, $2::integer) n,
                   lateral (select now() - interval '40 days' + n * interval '1 s' as at) a`,
          values: [from, to],
        },
        {
          text: `insert into sekisho.refresh_used (tid, sid, hash, rot, key_id, used_at)
            select 't' || n % 1000, md5('s' || n), sha256(('u' || n)::bytea), 0, 'k', now()
              from generate_series($1::integer, $2::integer, 2) n`,
          values: [from, to],
        },
      ],
      deadline,
    );
  }
  for (const table of ['session', 'refresh_used']) {
    await database.query({ text: `vacuum (analyze) sekisho.${table}` }, deadline);
  }
  if (database.kind === 'pglite') await database.query({ text: 'checkpoint' }, deadline);
}

/** Runs the server in a process of its own, and the phases. */
async function measure(options) {
  const child = fork(fileURLToPath(import.meta.url), [], {
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

/** A client that asks for as long as nobody stops it, and keeps the times of the phase that it is in. */
async function startClient(origin) {
  const body = { tenant: 'bench', email: 'admin@bench.example', password: PASSWORD };
  const login = async () => (await post(`${origin}/v1/login`, body)).body;
  let checks = [];
  let refreshes = [];
  let failures = 0;
  let running = true;
  let { access_token: token } = await login();
  let { refresh_token: refreshToken } = await login();
  const loop = async (everyMs, once) => {
    let dueMs = performance.now();
    while (running) {
      await once().catch(() => {
        failures += 1;
      });
      dueMs = Math.max(dueMs + everyMs, performance.now());
      await sleep(Math.max(0, dueMs - performance.now()));
    }
  };
  const work = [
    loop(CHECK_EVERY_MS, async () => {
      const fromMs = performance.now();
      const answer = await fetch(`${origin}/v1/authenticate`, {
        headers: { authorization: `Bearer ${token}` },
      });
      await answer.arrayBuffer();
      checks.push(performance.now() - fromMs);
      if (answer.status !== 200) failures += 1;
    }),
    loop(REFRESH_EVERY_MS, async () => {
      const fromMs = performance.now();
      const { status, body: pair } = await post(`${origin}/v1/refresh`, {
        refresh_token: refreshToken,
      });
      refreshes.push(performance.now() - fromMs);
      if (status !== 200) throw new Error(`refresh: ${status}`);
      refreshToken = pair.refresh_token;
      token = pair.access_token;
    }),
  ];
  return {
    begin() {
      [checks, refreshes, failures] = [[], [], 0];
    },
    end: () => ({ http: quantiles(checks), refresh: quantiles(refreshes), failures }),
    async stop() {
      running = false;
      await Promise.all(work);
    },
  };
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** The server's process. */
async function serve(options) {
  const sekisho = await createSekisho({ ...options, logLevel: 'warn' });
  const { engine } = sekisho;
  const { admin } = await engine.operator.createTenant({
    ...{ slug: 'bench', name: null, adminEmail: 'admin@bench.example', adminPassword: PASSWORD },
  });
  const origin = { requestId: 'bench', ip: null, userAgent: null };
  const open = () =>
    engine.logins.createSession(
      { tenant: 'bench', user: { uid: admin.uid }, amr: ['pwd'] },
      origin,
    );
  const server = createServer(nodeHandler(sekisho));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

  const own = {};
  let times = [];
  let { accessToken } = await open();
  let renewMs = performance.now() + 120_000;
  const checking = setInterval(async () => {
    if (performance.now() > renewMs) {
      renewMs = performance.now() + 120_000;
      ({ accessToken } = await open());
    }
    const fromMs = performance.now();
    await engine.authentication.authenticate(accessToken).catch(() => {});
    times.push(performance.now() - fromMs);
  }, CHECK_EVERY_MS);

  process.on('message', async ({ kind, name }) => {
    if (kind === 'phase') {
      times = [];
      own[name] = times;
    } else if (kind === 'clean') {
      await engine.maintenance.run();
      const { removed } = engine.maintenance.status();
      process.send?.({ kind: 'cleaned', removed: removed.sessions });
    } else {
      const told = Object.fromEntries(
        Object.entries(own).map(([phase, all]) => [phase, quantiles(all)]),
      );
      process.send?.({ kind: 'told', own: told });
    }
  });
  process.once('SIGTERM', async () => {
    clearInterval(checking);
    server.closeAllConnections();
    server.close();
    await sekisho.close();
    process.exit(0);
  });
  process.once('disconnect', () => process.exit(1));
  process.send?.({ kind: 'ready', origin: `http://127.0.0.1:${server.address().port}` });
}

/** @param {number[]} values */
function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
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
  console.log(
    `requests that failed: ${before.failures} before, ${during.failures} during, ${after.failures} after`,
  );
}
