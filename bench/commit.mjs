// Revocations a second that one record commits, by the size of a batch (docs/protocol.md, BATCH), beside a floor from the same
// run: transactions that insert one row. A real PostgreSQL of its own, which syncs to disk; one connection at a time, since
// the log has one lock. Where /proc tells it, also the processor time that PostgreSQL needs for each, which depends less on
// what else the machine does.
//
//   npm run bench:commit -- [users] [revocations a line]
import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { newId } from '../dist/id.js';
import { openPostgresRecord } from '../dist/record/postgres/open.js';
import { PROTOCOL_VERSION } from '../dist/revocation/constants.js';
import { DEFAULT_POLICY } from '../dist/tenant/policy.js';
import { startPostgres } from '../tools/services/postgres.mjs';

const users = Number(process.argv[2] ?? 2000);
const count = Number(process.argv[3] ?? 2048);
const rounds = 3;

const server = await startPostgres({ settings: { fsync: 'on', full_page_writes: 'on' } });
try {
  const record = await openPostgresRecord({ url: server.url });
  await record.migrate();
  const acting = await prepare(record);
  const floor = await insertsPerSecond();
  console.log(`one row a transaction: ${floor.toFixed(0)} a second`);
  // The first ones make plans, and the actor's tenant has no floors yet.
  await revocationsPerSecond(record, acting, 64);
  for (const size of [1, 16, 64, 256]) {
    const measured = [];
    for (let round = 0; round < rounds; round += 1)
      measured.push(await revocationsPerSecond(record, acting, size));
    const median = (values) => values.sort((a, b) => a - b)[(rounds - 1) / 2] ?? 0;
    const rate = median(measured.map(({ perSecond }) => perSecond));
    const cpu = median(measured.map(({ cpuMs }) => cpuMs));
    console.log(
      `${size} in a transaction: ${rate.toFixed(0)} revocations a second, ${(rate / floor).toFixed(2)} of the floor` +
        (Number.isNaN(cpu) ? '' : `, ${cpu.toFixed(2)} ms of PostgreSQL's processor time each`),
    );
  }
  await record.close();
} finally {
  await server.stop();
}

/** A tenant with users, and an administrator who is logged in. */
async function prepare(record) {
  const [tid, uid, sid, nowMs] = [newId(), newId(), newId(), Date.now()];
  const member = { id: newId(), leaseMs: 750, toleranceMs: 10_000, version: PROTOCOL_VERSION };
  await record.members.join({ ...member, address: null });
  const admin = { uid, email: 'admin@bench.example', name: 'A', passwordHash: 'none' };
  const change = { kind: 'tenant_create', tid, slug: 'bench', name: 'Bench', onlyFirst: false };
  await commit(record, [
    {
      ...plain({ kind: 'operator', name: 'bench' }),
      change: { ...change, policy: DEFAULT_POLICY, admin },
    },
  ]);
  await withClient((client) =>
    client.query(
      `insert into sekisho.tenant_user (tid, uid, email, name, roles, created_at)
       select $1, 'u' || n, 'u' || n || '@bench.example', 'N', '{member}', now() from generate_series(1, $2::integer) n`,
      [tid, users],
    ),
  );
  const { head } = await record.log.head();
  const refresh = {
    ...{ currentHash: Buffer.alloc(32, 1), successorHash: Buffer.alloc(32, 2) },
    successorKeyId: 'bench',
  };
  const device = { deviceName: null, deviceKind: null, ip: null, userAgent: null, amr: ['pwd'] };
  const opened = await record.sessions.open(tid, {
    ...{ sid, uid, ...device, refresh, epoch: head, nowMs, audit: [] },
  });
  if (opened.kind !== 'opened') throw new Error(`no session: ${opened.kind}`);
  return { tid, uid, sid };
}

async function revocationsPerSecond(record, acting, size) {
  // A transaction each is slower; a part of them says enough.
  const total = size === 1 ? Math.ceil(count / 8) : count;
  const [began, cpuBefore] = [performance.now(), serverCpuMs()];
  for (let from = 0; from < total; from += size) {
    const length = Math.min(size, total - from);
    await commit(
      record,
      Array.from({ length }, (_, index) => revocation(acting, `u${1 + ((from + index) % users)}`)),
    );
  }
  return {
    perSecond: (total / (performance.now() - began)) * 1000,
    cpuMs: (serverCpuMs() - cpuBefore) / total,
  };
}

/** Processor time of the server's processes that now run, milliseconds; NaN where there is no /proc. */
function serverCpuMs() {
  const MS_PER_TICK = 10;
  let ticks = 0;
  try {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const stat = statOf(pid);
      if (stat === null) continue;
      const [, parent] = stat;
      if (Number(pid) !== server.pid && Number(parent) !== server.pid) continue;
      ticks += Number(stat[11]) + Number(stat[12]);
    }
    return ticks * MS_PER_TICK;
  } catch {
    return Number.NaN;
  }
}

/** The fields of /proc/PID/stat after the name; null when the process has ended. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? null;
  } catch {
    return null;
  }
}

function revocation({ tid, uid, sid }, subject) {
  const actor = { kind: 'session', tid, uid, sid, role: 'admin' };
  const ended = { tid, uid: subject, sid: null, sparedSid: null };
  const event = {
    ...{ id: newId(), tid, atMs: Date.now(), action: 'session_revoked', outcome: 'success' },
    ...{ actor: { kind: 'user', uid, sid }, subject: { kind: 'user', id: subject } },
    ...{ ip: null, userAgent: null, requestId: newId(), detail: {} },
  };
  return {
    ...plain(actor),
    revoke: [{ scope: 'user', ...ended }],
    change: { kind: 'session_end', ...ended, how: 'revoked' },
    audit: [event],
  };
}

function plain(actor) {
  return {
    ...{ operationId: newId(), actor, revoke: [], change: null, reason: null },
    ...{ nowMs: Date.now(), audit: [], idempotency: null },
  };
}

async function commit(record, requests) {
  for (const { kind } of await record.log.commit(requests)) {
    if (kind !== 'committed') throw new Error(`not committed: ${kind}`);
  }
}

async function insertsPerSecond() {
  return await withClient(async (client) => {
    await client.query(
      'create table public.floor_of_bench (id bigint generated always as identity primary key)',
    );
    const total = Math.ceil(count / 4);
    const began = performance.now();
    for (let row = 0; row < total; row += 1) {
      await client.query('insert into public.floor_of_bench default values');
    }
    return (total / (performance.now() - began)) * 1000;
  });
}

async function withClient(work) {
  const url = new URL(server.superuserUrl);
  url.pathname = new URL(server.url).pathname;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
