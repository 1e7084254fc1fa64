import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import type { OpenEngine } from '../../src/create/open.ts';
import { createLevels } from '../../src/observe/levels.ts';
import { createLogger, type LevelledLog } from '../../src/observe/logger.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { startClusterNode } from '../support/cluster-node.ts';
import { codeOf, ORIGIN, PASSWORD } from '../support/engine.ts';

const by = 'noor';
const HOUR = { forSeconds: 3_600 };
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let nodes: OpenEngine[] = [];
const logs: LevelledLog[] = [];

/** The first two hear each other through NOTIFY; the third has no hub at all. */
beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  for (const hub of ['auto', 'auto', 'none'] as const) {
    const log = createLogger('info', () => {});
    logs.push(log);
    nodes.push(
      await startClusterNode({ databaseUrl: database.url, hub, log, levels: createLevels(log) }),
    );
  }
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  nodes = [];
  await database?.drop();
});

const nodeAt = (at: number): OpenEngine => {
  const node = nodes[at];
  if (node === undefined) throw new Error(`there is no node ${at}`);
  return node;
};
const EVERYWHERE = { effective: 'everywhere', members: 3, waitingFor: [] };

describe('A8 B4: what is decided at one node holds on all, without a restart', () => {
  test('A8 the level of the log, whether or not a hub tells of it', async () => {
    const { operator } = nodeAt(0).engine;
    const put = { by, level: 'debug', node: null, end: HOUR };
    expect(await operator.overrideLogLevel(put)).toMatchObject(EVERYWHERE);
    expect(logs.map(({ level }) => level)).toEqual(['debug', 'debug', 'debug']);
    const third = nodeAt(2).services.follower.memberId;
    await nodeAt(1).engine.operator.overrideLogLevel({ ...put, level: 'error', node: third });
    expect(logs.map(({ level }) => level)).toEqual(['debug', 'debug', 'error']);
    const { members, overrides } = await operator.operations();
    expect(overrides).toHaveLength(2);
    expect(members.find(({ id }) => id === third)).toMatchObject({
      logLevel: 'error',
      self: false,
    });
    for (const node of [third, null]) {
      await operator.clearOverride({ by, kind: 'log_level', node });
    }
    expect(logs.map(({ level }) => level)).toEqual(['info', 'info', 'info']);
  });

  test('A3 A8 the pause of clean-up', async () => {
    const [first, second] = [nodeAt(0).engine, nodeAt(1).engine];
    expect(await second.operator.pauseCleanup({ by })).toEqual(EVERYWHERE);
    for (const { engine } of nodes) expect(engine.maintenance.status().state).toBe('paused');
    expect(await first.operator.cleanupStatus()).toMatchObject({ state: 'paused', paused: { by } });
    expect(await first.operator.resumeCleanup({ by })).toEqual(EVERYWHERE);
    for (const { engine } of nodes) expect(engine.maintenance.status().state).toBe('idle');
  });

  test('A8 lifetimes and limits: the record judges, so no node can be behind', async () => {
    const [first, second, third] = [nodeAt(0).engine, nodeAt(1).engine, nodeAt(2).engine];
    const made = await first.operator.createTenant({
      ...{ slug: 'main', name: null, adminEmail: 'ann@main.example', adminPassword: PASSWORD },
    });
    const user = { uid: made.admin.uid };
    const pair = await second.logins.createSession({ tenant: 'main', user, amr: ['pwd'] }, ORIGIN);
    const { revocation: everywhere } = await third.operator.overrideLifetimes({
      ...{ by, ceiling: { access_ttl: 45 }, end: HOUR, waitMs: 20_000 },
    });
    expect(everywhere?.barrier.effective).toBe('everywhere');
    for (const { engine } of nodes) {
      const judged = engine.authentication.authenticate(pair.accessToken);
      expect(await codeOf(judged)).toBe('token_superseded');
    }
    expect((await first.logins.refresh(pair.refreshToken, ORIGIN)).expiresInSeconds).toBe(45);
    const limits = { address_attempts: 1 };
    expect(await first.operator.overrideLimits({ by, limits, end: HOUR })).toMatchObject(
      EVERYWHERE,
    );
    for (const { services } of nodes) expect(services.operations.limits()).toEqual(limits);
    await second.operator.clearOverride({ by, kind: 'limits', node: null });
    for (const { services } of nodes) expect(services.operations.limits()).toBeNull();
  });

  test('A8 a node that joins later finds what is in force', async () => {
    const { operator } = nodeAt(0).engine;
    await operator.overrideLogLevel({ by, level: 'warn', node: null, end: HOUR });
    const log = createLogger('info', () => {});
    const levels = createLevels(log);
    const late = await startClusterNode({ databaseUrl: database.url, log, levels });
    try {
      await vi.waitFor(() => expect(log.level).toBe('warn'), 60_000);
    } finally {
      await late.close();
    }
    await operator.clearOverride({ by, kind: 'log_level', node: null });
  });
});
