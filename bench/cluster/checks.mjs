/**
 * Checks per second of a process that is a node (the library alone, as in bench/authenticate.mjs): while nobody is
 * revoked; while another node revokes a thousand users a second through the library's own committing (judged, audited,
 * synced to disk); and while a thousand entries a second are written into the log by SQL, which costs the record next to
 * nothing, so that it is the node that is measured. How many of a thousand came is counted where they arrive: in the view
 * of the process that checks. This file is also what both processes run.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { createSekisho } from '../../dist/index.js';
import { createTestDatabase } from '../../tools/services/postgres.mjs';

const SECRET = 'a secret of the benchmark that is long enough';
const REVOCATIONS_A_SECOND = 1000;
/** Beyond, the record is slower than they are made, and fewer are made. */
const MOST_UNDER_WAY = 2000;
const TOKENS = 1000;
const USERS = 200;
/** Checks between two turns of the event loop. */
const SLICE = 200;
const ROUND_MS = 6000;
const TICK_MS = 10;

if (process.env.BENCH_CHECKS !== undefined && process.send) {
  const { role, ...options } = JSON.parse(process.env.BENCH_CHECKS);
  await (role === 'verifier' ? verify(options) : revoke(options));
}

/**
 * @param {{ postgres: { url: string }, redis: { url: string }, rounds: number }} options
 */
export async function checksDuringRevocations({ postgres, redis, rounds }) {
  const database = await createTestDatabase(postgres.url);
  const start = async (/** @type {string} */ role) => {
    const options = { role, databaseUrl: database.url, redisUrl: redis.url };
    const child = fork(fileURLToPath(import.meta.url), [], {
      env: { ...process.env, BENCH_CHECKS: JSON.stringify(options) },
    });
    await answered(child);
    return child;
  };
  const verifier = await start('verifier');
  const revoker = await start('revoker');
  const ask = async (child, what) => {
    child.send(what);
    return answered(child);
  };
  const kinds = /** @type {const} */ ([null, 'revoke', 'write']);
  const results = kinds.map((kind) => ({ kind, checks: [] }));
  await ask(verifier, 'measure');
  for (let round = 0; round < rounds; round += 1) {
    for (const { kind, checks } of results.toSorted(() => Math.random() - 0.5)) {
      if (kind !== null) await ask(revoker, kind);
      checks.push(await ask(verifier, 'measure'));
      if (kind !== null) await ask(revoker, 'stop');
    }
  }
  for (const child of [revoker, verifier]) {
    const gone = once(child, 'exit');
    child.send('end');
    await gone;
  }
  await database.drop();
  return results.map(({ kind, checks }) => ({
    kind,
    perSecond: median(checks.map(({ perSecond }) => perSecond)),
    cpuMicros: median(checks.map(({ cpuMicros }) => cpuMicros)),
    asked: kind === null ? 0 : REVOCATIONS_A_SECOND,
    rate: median(checks.map(({ entries }) => entries)),
    rates: checks.map(({ entries }) => entries),
  }));
}

/** The next message of a child, or its end as an error. */
async function answered(child) {
  const over = new AbortController();
  const { signal } = over;
  try {
    const [message] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`a process of the benchmark ended with ${code}`);
      }),
    ]);
    return message;
  } finally {
    over.abort();
  }
}

async function verify(options) {
  const sekisho = await open(options, 'checks');
  const tokens = [];
  for (let index = 0; index < TOKENS; index += 1) {
    const pair = await sekisho.sessions.create({
      tenant: 'checks',
      user: { externalId: `user-${index}`, email: `user-${index}@example.com` },
      amr: ['pwd'],
    });
    tokens.push(pair.accessToken);
  }
  for (const token of tokens) await sekisho.authenticate(token);
  onAsked(sekisho, {
    async measure() {
      const fromMs = performance.now();
      const cpu = process.cpuUsage();
      const known = sekisho.engine.status().viewEntries;
      let checks = 0;
      while (performance.now() - fromMs < ROUND_MS) {
        for (let index = 0; index < SLICE; index += 1) {
          await sekisho.authenticate(tokens[(checks * 7 + index) % tokens.length]);
        }
        checks += SLICE;
        await turn();
      }
      const { user, system } = process.cpuUsage(cpu);
      const seconds = (performance.now() - fromMs) / 1000;
      return {
        perSecond: checks / seconds,
        cpuMicros: (user + system) / checks,
        entries: (sekisho.engine.status().viewEntries - known) / seconds,
      };
    },
  });
}

async function revoke(options) {
  const sekisho = await open(options, 'crowd');
  const make = (name, roles) =>
    sekisho.sessions.create({
      tenant: 'crowd',
      user: { externalId: name, email: `${name}@example.com`, roles },
      amr: ['pwd'],
    });
  const admin = await make('admin', ['admin']);
  const users = [];
  for (let index = 0; index < USERS; index += 1) {
    users.push((await make(`user-${index}`, ['member'])).user.uid);
  }
  const caller = {
    session: await sekisho.authenticate(admin.accessToken),
    origin: { address: null, userAgent: null, requestId: 'bench' },
  };
  const how = { reason: null, waitMs: 0, includeSelf: false, idempotency: null };
  const running = new Set();
  const log = await logWriter(options.databaseUrl, users);
  let [made, startedMs, failure] = [0, 0, null];
  let timer;
  /** Runs `some(n)` as often as is due, which does n of them. */
  const begin = (some) => {
    [made, startedMs] = [0, performance.now()];
    timer = setInterval(() => {
      const due =
        Math.floor(((performance.now() - startedMs) / 1000) * REVOCATIONS_A_SECOND) - made;
      const n = Math.min(due, MOST_UNDER_WAY - running.size);
      if (n > 0) some(n);
    }, TICK_MS);
    return null;
  };
  const under = (n, call) => {
    made += n;
    const ended = call
      .catch((error) => {
        failure ??= error;
      })
      .finally(() => running.delete(ended));
    running.add(ended);
  };
  onAsked(sekisho, {
    revoke: async () =>
      begin((n) => {
        for (let index = 0; index < n; index += 1) {
          const uid = users[made % users.length];
          under(1, sekisho.engine.administration.revokeUser(caller, uid, how));
        }
      }),
    write: async () => begin((n) => under(n, log.write(n))),
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
      if (failure !== null) throw failure;
      return null;
    },
    end: () => log.end(),
  });
}

/** Writes entries into the log as bench/start.mjs fills it: no judgement, no sessions, no audit. */
async function logWriter(databaseUrl, users) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query("select set_config('role', 'sekisho_system', false)");
  let last = Promise.resolve();
  const written = (n) =>
    client.query(
      `with h as (update sekisho.head set position = position + $1 returning generation, position)
         insert into sekisho.revocation
           (position, generation, operation_id, scope, tid, uid, actor_kind, committed_at)
         select h.position - $1 + n, h.generation,
                translate(rtrim(encode(decode(md5('written' || h.position - n), 'hex'), 'base64'), '='), '+/', '-_'),
                'user', t.tid, ($2::text[])[1 + n % $3::int], 'system', clock_timestamp()
           from h, sekisho.tenant t, generate_series(1, $1::int) n where t.slug = 'crowd'`,
      [n, users, users.length],
    );
  return {
    write(n) {
      last = last.then(() => written(n)).then(() => {});
      return last;
    },
    end: () => client.end(),
  };
}

async function open({ databaseUrl, redisUrl }, slug) {
  const sekisho = await createSekisho({ databaseUrl, redisUrl, secret: SECRET, logLevel: 'error' });
  await sekisho.engine.operator.createTenant({
    slug,
    name: null,
    adminEmail: `root@${slug}.example`,
    adminPassword: 'seven green bicycles',
  });
  return sekisho;
}

/** Does what the parent asks for, and says when it is there. */
function onAsked(sekisho, verbs) {
  process.on('message', async (what) => {
    if (what === 'end') {
      await verbs.end?.();
      await sekisho.close();
      process.disconnect?.();
      return;
    }
    process.send?.(await verbs[what]());
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.('ready');
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
