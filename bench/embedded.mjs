// What a million statements do to the embedded shape: the size of its directory, of its write-ahead log, and how long it
// takes to answer after a kill -9. CHECKPOINT and VACUUM come as they do in a server, and by nothing else.
//
//   npm run bench:embedded                 1,000,000 statements, killed ten times
//   npm run bench:embedded -- 100000 5     fewer
//
// Each part is a process of its own on one directory: it has a share of the statements carried out, and is killed in the
// middle of the next ones. They are those that leave nothing behind: login attempts reserved and given back, last-seen times
// of 2,000 sessions written over, proofs. What does leave something (a login, a refresh, each with its line of the audit
// trail) is measured apart, in bytes a piece. A start is told in time and in the processor time of all its threads, which other
// work on the machine hardly changes. The exit code is 1 when size or a start's processor time grow from the first half to the
// second.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../dist/clock.js';
import { openEngine } from '../dist/create/open.js';
import { createSekisho } from '../dist/index.js';
import { silentLog } from '../dist/observe/log.js';
import { openPglite } from '../dist/record/pglite/open.js';
import { createSqlRecord } from '../dist/record/sql-record.js';

const SECRET = 'a secret of the benchmark that is long enough';
const SESSIONS = 2_000;
/** Statements under way at a time. */
const AT_ONCE = 4;
/** Growth from the first half to the second that is noise. */
const NOISE = 1.25;

const part = process.env.BENCH_EMBEDDED_PART;
if (part === undefined) await compare();
else await work(JSON.parse(part));

async function compare() {
  const statements = Number(process.argv[2] ?? 1_000_000);
  const parts = Number(process.argv[3] ?? 10);
  if (
    !(Number.isInteger(statements) && statements >= 1000 && Number.isInteger(parts) && parts > 1)
  ) {
    console.error('usage: npm run bench:embedded -- [statements ≥ 1000] [parts > 1]');
    process.exit(2);
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'sekisho-bench-'));
  try {
    const kept = await fill(dataDir);
    console.log(
      `a login keeps ${kept.login} bytes, a refresh ${kept.refresh} (audit trail included)`,
    );
    console.log(
      'statements   directory      log    tables   a second   answers after kill -9   processor',
    );
    const rows = [];
    await run(dataDir, 0);
    for (let done = 0; rows.length < parts; ) {
      const { rate, carriedOut } = await run(dataDir, Math.ceil(statements / parts));
      done += carriedOut;
      const size = sizeOf(dataDir);
      const { startMs, startCpuMs } = await run(dataDir, 0);
      rows.push({ ...size, startMs, startCpuMs });
      const columns = [
        String(done).padStart(10),
        megabytes(size.total).padStart(12),
        megabytes(size.log).padStart(9),
        megabytes(size.total - size.log).padStart(9),
        String(Math.round(rate)).padStart(10),
        `${Math.round(startMs)} ms`.padStart(23),
        `${Math.round(startCpuMs)} ms`.padStart(11),
      ];
      console.log(columns.join(' '));
    }
    const half = Math.floor(rows.length / 2);
    for (const name of ['total', 'startCpuMs']) {
      const middle = (list) => list.map((row) => row[name]).sort((a, b) => a - b)[list.length >> 1];
      const ratio = middle(rows.slice(half)) / middle(rows.slice(0, half));
      console.log(
        `${name === 'total' ? 'size' : 'processor time of a start'}: second half ${ratio.toFixed(2)} of the first`,
      );
      if (ratio > NOISE) process.exitCode = 1;
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The sessions that are written over, and what one login and one refresh keep. @param {string} dataDir */
async function fill(dataDir) {
  const sekisho = await createSekisho({ dataDir, secret: SECRET, logLevel: 'error' });
  const { engine } = sekisho;
  await engine.operator.createTenant({
    ...{ slug: 'bench', name: null },
    ...{ adminEmail: 'admin@example.com', adminPassword: 'seven green bicycles' },
  });
  const policy = { max_sessions_per_user: 1000, absolute_timeout: 30 * 86_400 };
  await engine.operator.setTenantPolicy({
    ...{ tenant: 'bench', ifVersion: null },
    set: { ...policy, idle_timeout: 30 * 86_400 },
  });
  const pairs = [];
  for (let n = 0; n < SESSIONS; n += 1) {
    const user = { externalId: `user-${n % 100}`, email: `user-${n % 100}@example.com` };
    const input = { tenant: 'bench', user, amr: ['pwd'] };
    pairs.push(await patiently(() => sekisho.sessions.create(input)));
  }
  await sekisho.close();
  const filled = await tables(dataDir);
  const again = await createSekisho({ dataDir, secret: SECRET, logLevel: 'error' });
  const origin = { requestId: 'bench', ip: '192.0.2.7', userAgent: 'bench' };
  for (const { refreshToken } of pairs) {
    await patiently(() => again.engine.logins.refresh(refreshToken, origin));
  }
  await again.close();
  const refreshed = await tables(dataDir);
  return {
    login: Math.round(filled / SESSIONS),
    refresh: Math.round((refreshed - filled) / SESSIONS),
  };
}

/** Bytes of all tables with their indexes, tight. @param {string} dataDir */
async function tables(dataDir) {
  const database = await openPglite({ dataDir });
  await createSqlRecord(database).maintenance.checkpoint();
  const [row] = await database.query({
    text: `select sum(pg_total_relation_size(oid))::bigint as bytes from pg_class
      where relnamespace = 'sekisho'::regnamespace and relkind = 'r'`,
  });
  await database.close();
  return Number(row.bytes);
}

/**
 * One part, in a process that is killed. @param {string} dataDir @param {number} statements
 * @returns {Promise<{ startMs: number, startCpuMs: number, rate: number, carriedOut: number }>}
 */
async function run(dataDir, statements) {
  const child = fork(fileURLToPath(import.meta.url), [], {
    env: { ...process.env, BENCH_EMBEDDED_PART: JSON.stringify({ dataDir, statements }) },
  });
  const exited = once(child, 'exit');
  const told = once(child, 'message').then(([message]) => message);
  const message = await Promise.race([told, exited.then(() => null)]);
  if (message === null) throw new Error('a part ended by itself');
  child.kill('SIGKILL');
  await exited;
  return message;
}

/** @param {{ dataDir: string, statements: number }} given */
async function work({ dataDir, statements }) {
  const beganMs = performance.now();
  const processor = process.cpuUsage();
  const record = createSqlRecord(await openPglite({ dataDir }));
  await record.migrate();
  const { services } = await openEngine({
    ...{ record, secret: SECRET, exclusive: true, log: silentLog, clock: systemClock },
    config: {
      ...{ issuer: null, firstIssuer: 'http://localhost', audience: null, address: null },
      ...{ leaseMs: undefined, toleranceMs: undefined, strict: false, redisUrl: null, hub: 'auto' },
      record: { kind: 'embedded', dataDir },
    },
  });
  const startMs = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(processor);
  const startCpuMs = (user + system) / 1000;
  if (statements === 0) {
    process.send?.({ startMs, startCpuMs, rate: 0, carriedOut: 0 });
    return;
  }
  const tenant = await record.tenants.bySlug('bench');
  const page = { limit: 200, cursor: null };
  const sessions = await record.sessions.list(tenant.tid, null, 'active', page, Date.now());
  const before = record.statementCount();
  const loadMs = performance.now();
  let finished = false;
  const carriedOut = () => record.statementCount() - before;
  await Promise.race([
    new Promise((resolve) => {
      const look = setInterval(() => {
        if (carriedOut() < statements) return;
        finished = true;
        clearInterval(look);
        resolve();
      }, 20);
    }),
    ...Array.from({ length: AT_ONCE }, (_, worker) => busy(worker)),
  ]);
  const rate = carriedOut() / ((performance.now() - loadMs) / 1000);
  process.send?.({ startMs, startCpuMs, rate, carriedOut: carriedOut() });
  // Statements go on until the end comes.
  finished = false;
  await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => busy(worker)));

  /** @param {number} worker */
  async function busy(worker) {
    for (let n = 0; !finished; n += 1) {
      const key = `user-${(n * AT_ONCE + worker) % 5000}@example.com`;
      const buckets = [
        { kind: 'account', key, attempts: 10, windowMs: 900_000, maxWaitMs: 900_000 },
      ];
      const id = `${process.pid}-${worker}-${n}`;
      const at = (n * 20) % sessions.length;
      const nowMs = Date.now();
      const seen = sessions.slice(at, at + 20).map(({ sid }) => {
        return { tid: tenant.tid, sid, atMs: nowMs };
      });
      await patiently(() => record.attempts.reserve(tenant.tid, buckets, id, nowMs));
      await patiently(() => record.sessions.touch(seen, 0));
      await patiently(() => record.attempts.giveBack(tenant.tid, buckets, id, true));
      await patiently(() => services.follower.proveNow());
    }
  }
}

/**
 * A machine with other things to do may let a deadline pass. @template Result
 * @param {() => Promise<Result>} call @returns {Promise<Result>}
 */
async function patiently(call) {
  for (let left = 60; ; left -= 1) {
    try {
      return await call();
    } catch (error) {
      if (error.status !== 503 || left === 0) throw error;
      await sleep(500);
    }
  }
}

/** @param {string} dataDir */
function sizeOf(dataDir) {
  let total = 0;
  let log = 0;
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // Blocks that are in use: segments of the log are made in advance.
    const bytes = statSync(path).blocks * 512;
    total += bytes;
    if (path.includes('/pg_wal/')) log += bytes;
  }
  return { total, log };
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
