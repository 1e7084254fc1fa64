import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { OpenEngine } from '../../src/create/open.ts';
import { openPostgresRecord } from '../../src/record/postgres/open.ts';
import { MAX_SKEW_MS } from '../../src/revocation/constants.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { type ClusterNodeOptions, startClusterNode } from '../support/cluster-node.ts';

const FIRST = 'the first secret of these tests as long as needed';
const SECOND = 'the second secret of these tests and long enough';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
const running: OpenEngine[] = [];

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
});
afterEach(async () => {
  for (const node of running.splice(0)) await node.close();
});
afterAll(() => database?.drop());

type Settings = Omit<ClusterNodeOptions, 'databaseUrl'>;

/** Starts a node on the database, as a process of its own would. */
async function start(settings: Settings = {}): Promise<OpenEngine> {
  const node = await startClusterNode({ databaseUrl: database.url, secret: FIRST, ...settings });
  running.push(node);
  return node;
}

/** The one sentence with which a start is refused. */
async function sentenceFor(settings: Settings): Promise<string> {
  const refused = await start(settings).then(
    () => 'it was started',
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ code: 'invalid_configuration' });
  const { message } = refused as Error;
  expect(message).toMatch(/^[^\n]+\.$/);
  return message;
}

describe('what does not fit the deployment of a database is refused with what to do', () => {
  test('an issuer that was changed by command: nodes take it up, and no start brings another one back', async () => {
    const own = await createTestDatabase(inject('postgresUrl'));
    try {
      const at = (settings: Settings = {}) =>
        startClusterNode({ databaseUrl: own.url, secret: FIRST, ...settings });
      const nodes = [await at({ issuer: 'https://one.example' }), await at()];
      const [first, second] = nodes as [OpenEngine, OpenEngine];
      const seen = await first.engine.operator.changeIssuer({ issuer: 'https://two.example' });
      expect(seen).toMatchObject({ issuer: 'https://one.example', newest: 'https://two.example' });
      await second.services.keys.refresh();
      expect(second.engine.issuer).toBe('https://one.example');
      const both = ['https://one.example', 'https://two.example'];
      expect([...second.engine.issuers()]).toEqual(both);
      // A variable may name either of them meanwhile: what is minted goes by the record.
      for (const issuer of both) {
        const node = await at({ issuer });
        nodes.push(node);
        expect(node.engine.issuer).toBe('https://one.example');
      }
      for (const node of nodes.splice(0)) await node.close();
      const refused = at({ issuer: 'https://three.example' });
      await expect(refused).rejects.toMatchObject({ code: 'invalid_configuration' });
      await expect(refused).rejects.toThrow(/changed to https:\/\/two\.example by command/);
    } finally {
      await own.drop();
    }
  });

  test('another issuer or audience, while others run; whoever says none takes theirs', async () => {
    const first = await start({ issuer: 'https://one.example' });
    const second = await start();
    expect([second.engine.issuer, second.engine.audience]).toEqual([
      'https://one.example',
      'sekisho',
    ]);
    const issuer = await sentenceFor({ issuer: 'https://two.example' });
    expect(issuer).toContain('SEKISHO_ISSUER is https://two.example here');
    expect(issuer).toContain('to change it, use sekisho keys issuer, or stop them all first');
    const audience = await sentenceFor({ audience: 'orders' });
    expect(audience).toContain('SEKISHO_AUDIENCE is orders here');
    expect(audience).toContain('to change it, stop them all first');
    await first.close();
    expect(await sentenceFor({ issuer: 'https://two.example' })).toContain('https://one.example');
  });

  test('with no other node running they are changed, also over the row of one that was killed', async () => {
    const before = await start();
    await before.close();
    const killed = await openPostgresRecord({ url: database.url, max: 1 });
    await killed.members.join({
      ...{ id: 'killed', leaseMs: 300, toleranceMs: 0, version: 1, address: null },
    });
    await killed.close();
    const changed = await start({ issuer: 'https://two.example', audience: 'orders' });
    expect([changed.engine.issuer, changed.engine.audience]).toEqual([
      'https://two.example',
      'orders',
    ]);
    const other = await start();
    expect([other.engine.issuer, other.engine.audience]).toEqual(['https://two.example', 'orders']);
  });

  test('another secret; a rotation that shares a member goes on', async () => {
    await start();
    const sentence = await sentenceFor({ secret: SECOND });
    expect(sentence).toContain('SEKISHO_SECRET shares no member');
    expect(sentence).not.toContain(SECOND);
    for (const secret of [`${FIRST},${SECOND}`, `${SECOND},${FIRST}`]) {
      for (const node of running.splice(0)) await node.close();
      await start({ secret });
    }
    const third = 'a third secret that nobody has ever deployed here';
    expect(await sentenceFor({ secret: third })).toContain('shares no member');
  });

  test('WALL TIME: a clock that is far from the record’s', async () => {
    const wallMs = () => Date.now() + MAX_SKEW_MS + 5_000;
    const sentence = await sentenceFor({ clock: { ...systemClock, wallMs } });
    expect(sentence).toContain('set the clock');
    expect((await start()).engine.status().state).toBe('serving');
  });
});
