import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Hub } from '../../src/hub/contract.ts';
import { createHubCodec } from '../../src/hub/message.ts';
import { generationChannel } from '../../src/hub/postgres/channels.ts';
import { type Log, silentLog } from '../../src/observe/log.ts';
import { createCommitter } from '../../src/revocation/committer.ts';
import type { Follower } from '../../src/revocation/contract.ts';
import { createFollower } from '../../src/revocation/follower.ts';
import type { Entry, Head } from '../../src/revocation/types.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { startPgbouncer } from '../../tools/services/pgbouncer.mjs';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { ENTRY } from '../conformance/hub.ts';
import { notifyHubs, SECRET } from '../support/notify-hub.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import { ofUser, request } from '../support/requests.ts';
import { seedTenant, seedUser } from '../support/seed.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => database?.drop());

async function until(what: string, met: () => boolean): Promise<void> {
  for (let look = 0; !met(); look += 1) {
    if (look === 6_000) throw new Error(`it never came about that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Hubs of one deployment, in the generation of `ENTRY`, that work. */
async function working(count: number, hubs = notifyHubs(database.url)): Promise<Hub[]> {
  const nodes = Array.from({ length: count }, () => hubs.connect());
  for (const node of nodes) {
    closers.push(() => node.close());
    node.enter(ENTRY.generation);
  }
  await until('every hub works', () => nodes.every((node) => node.working()));
  return nodes;
}

async function sql(text: string, values: readonly unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query({ text, values: [...values], rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

function heardBy(hub: Hub) {
  const entries: Entry[] = [];
  const heads: Head[] = [];
  hub.onAnnouncement((entry) => entries.push(entry));
  hub.onHead((head) => heads.push(head));
  return { entries, heads };
}

/** What is said at `warn` and `info`. */
function listening(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const note = (_: unknown, message?: string) => {
    said.push(String(message));
  };
  return { log: { ...silentLog, warn: note as Log['warn'], info: note as Log['info'] }, said };
}

describe('ANNOUNCE over NOTIFY', () => {
  test('B9 a thousand entries at once arrive in order', async () => {
    const [a, b] = (await working(2)) as [Hub, Hub];
    const { entries } = heardBy(b);
    for (let position = 1; position <= 1_000; position += 1) a.announce({ ...ENTRY, position });
    await until('all have come', () => entries.length === 1_000);
    expect(entries.map(({ position }) => position)).toEqual(
      Array.from({ length: 1_000 }, (_, index) => index + 1),
    );
  });

  test('FOLLOW: an entry that is too long for a notification is named, so that it is fetched', async () => {
    const [a, b] = (await working(2)) as [Hub, Hub];
    const { entries, heads } = heardBy(b);
    a.announce({ ...ENTRY, scope: 'a scope of a later release'.repeat(400) });
    await until('its name has come', () => heads.length > 0);
    expect(heads).toEqual([{ generation: ENTRY.generation, position: ENTRY.position }]);
    expect(entries).toEqual([]);
  });

  test('B9 forged and changed messages, other deployments and other generations are not heard', async () => {
    const hubs = notifyHubs(database.url);
    const [a, b, last] = (await working(3, hubs)) as [Hub, Hub, Hub];
    const { entries, heads } = heardBy(b);
    const { deployment } = hubs;
    const secret = 'another secret that is long enough as well';
    const [stranger] = (await working(1)) as [Hub];
    const [forger] = (await working(
      1,
      notifyHubs(database.url, silentLog, { deployment, secret }),
    )) as [Hub];
    stranger.announce({ ...ENTRY, position: 90 });
    forger.announce({ ...ENTRY, position: 91 });
    a.announce({ ...ENTRY, position: 92, generation: 'another generation' });
    const channel = generationChannel(deployment, ENTRY.generation);
    // A message of this deployment, recorded in an earlier generation and sent again in this one.
    const codec = createHubCodec(createKeyRing(SECRET), deployment);
    const entry = { ...ENTRY, position: 94, generation: 'an-earlier-generation' };
    const replayed = [
      codec.seal('a-node', { kind: 'entry', entry }),
      codec.seal('a-node', { kind: 'head', head: entry }),
    ];
    const garbage = ['', 'no message', JSON.stringify(ENTRY), '{}'.repeat(100)];
    for (const payload of [...garbage, ...replayed]) {
      await sql('select pg_notify($1, $2)', [channel, payload]);
    }
    last.announce({ ...ENTRY, position: 93 });
    await until('the last has come', () => entries.length > 0);
    expect(entries.map(({ position }) => position)).toEqual([93]);
    expect(heads).toEqual([]);
  });

  test('B9 names of channels are identifiers of PostgreSQL, whatever deployment and generation are', () => {
    const names = ['', 'x'.repeat(500), 'A B"\'\n'].map((name) => generationChannel(name, name));
    for (const name of names) expect(name).toMatch(/^[a-z_0-9]{1,63}$/);
    expect(new Set(names).size).toBe(3);
  });

  test('B9 a hub whose connections were ended makes new ones, and hears again', async () => {
    const { log, said } = listening();
    // What lasts for five seconds is said: for a minute here, since a busy machine may take as long for new connections.
    const clock: Clock = {
      ...systemClock,
      after: (ms, call) => systemClock.after(ms === 5_000 ? 60_000 : ms, call),
    };
    const [a, b] = (await working(2, notifyHubs(database.url, log, { clock }))) as [Hub, Hub];
    const { entries } = heardBy(b);
    // Each by itself: one may be back before the other has noticed.
    const silent = new Set<Hub>();
    const noticed = until('it is noticed', () => {
      for (const hub of [a, b]) if (!hub.working()) silent.add(hub);
      return silent.size === 2;
    });
    await sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sekisho hub' and datname = current_database()",
    );
    await noticed;
    await until('both work again', () => a.working() && b.working());
    a.announce(ENTRY);
    await until('the entry has come', () => entries.length > 0);
    expect(said).toEqual([]);
  });
});

describe('behind a pooler', () => {
  test('B9 with sessions, notifications arrive', async () => {
    const pooler = await startPgbouncer({ target: inject('postgresUrl'), poolMode: 'session' });
    closers.push(pooler.stop);
    const [a, b] = (await working(2, notifyHubs(pooler.through(database.url)))) as [Hub, Hub];
    const { entries } = heardBy(b);
    a.announce(ENTRY);
    await until('the entry has come', () => entries.length > 0);
    expect(entries).toEqual([ENTRY]);
  });

  test('B3 B9 without sessions it never works, that is said once, and heartbeats carry everything', async () => {
    const pooler = await startPgbouncer({
      target: inject('postgresUrl'),
      poolMode: 'transaction',
    });
    closers.push(pooler.stop);
    const fixture = await openPostgresTestRecord(pooler.through(inject('postgresUrl')));
    closers.push(fixture.close);
    const { record } = fixture;
    const { tid } = await seedTenant(fixture);
    const uid = await seedUser(fixture, tid);
    const { log, said } = listening();
    const hubs = notifyHubs(fixture.url, log);
    const nodes: Follower[] = [];
    for (let index = 0; index < 3; index += 1) {
      const hub = hubs.connect();
      const follower = createFollower({
        ...{ log: record.log, members: record.members, hub, clock: systemClock },
        ...{ leaseMs: 3_000, toleranceMs: 1_000 },
      });
      closers.push(
        () => hub.close(),
        () => follower.leave(),
      );
      await follower.join();
      nodes.push(follower);
    }
    const [first] = nodes as [Follower];
    const committer = createCommitter({ log: record.log, follower: first, clock: systemClock });
    const outcome = await committer.commit(request({ revoke: [ofUser(tid, uid)] }));
    if (outcome.kind !== 'committed' || outcome.entries[0] === undefined)
      throw new Error(outcome.kind);
    const reached = await first.barrier(outcome.entries[0], 20_000);
    expect(reached).toMatchObject({ effective: 'everywhere', members: 3, acknowledged: 3 });
    await until('it is said', () => said.length === 3);
    for (const sentence of said) expect(sentence).toContain('take up to two heartbeats');
    expect(nodes.map((node) => node.status().hub.working)).toEqual([false, false, false]);
  });
});
