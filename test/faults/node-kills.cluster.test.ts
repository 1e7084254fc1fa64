import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import type { Device } from '../../tools/cluster/device.mjs';
import type { RevocationFact } from '../../tools/cluster/history.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import type { TcpProxy } from '../../tools/services/tcp-proxy.mjs';
import { eventually, onCluster, type Scene } from '../support/cluster.ts';
import { LONG } from '../support/long.ts';
import {
  accepted,
  answered,
  expectAllWhole,
  loggedIn,
  untilEverywhere,
} from '../support/node-faults.ts';

const LEASE_MS = 1000;
/** The same request has the same body. */
const WAIT_MS = 15_000;
const RANDOM_ROUNDS = LONG ? 60 : 3;
/** Revoking calls that are under way at once when the node is killed. */
const CALLS = 4;

let cluster: Cluster;
let record: pg.Client;

beforeAll(async () => {
  cluster = await startCluster({
    ...{ postgres: { url: inject('postgresUrl') }, proxied: true },
    // Without tolerance every answer is a fresh one, and the bound is the lease.
    env: { SEKISHO_LEASE_MS: String(LEASE_MS), SEKISHO_TOLERANCE_MS: '0' },
  });
  record = new pg.Client({ connectionString: cluster.databaseUrl });
  await record.connect();
  await record.query("select set_config('role', 'sekisho_system', false)");
});

afterAll(async () => {
  await record?.end();
  await cluster?.stop();
});

/** A revoking call through the node that is about to be killed. */
interface Call {
  readonly device: Device;
  readonly key: string;
  readonly fact: Promise<RevocationFact>;
}

/** What was found after a kill. */
interface Found {
  /** Calls without an answer whose entry was in the record. */
  unknown: number;
  /** Calls without an answer that had not been committed. */
  undone: number;
}

function revoking(scene: Scene, devices: readonly Device[], node: ClusterNode): readonly Call[] {
  return devices.map((device) => {
    const key = randomBytes(12).toString('base64url');
    return {
      device,
      key,
      fact: scene.load.revoker.session(device, { node, waitMs: WAIT_MS, operationKey: key }),
    };
  });
}

async function isCommitted({ session: { sid } }: Device): Promise<boolean> {
  const { rowCount } = await record.query('select 1 from sekisho.revocation where sid = $1', [sid]);
  return rowCount === 1;
}

/**
 * The node has been killed. Whatever is in the record is honoured by the others within the lease, whether or not anybody
 * was told of it; whoever asks under the same key learns of it, or has it done now.
 */
async function afterKill(scene: Scene, calls: readonly Call[], found: Found): Promise<void> {
  const survivors = scene.nodes.filter(({ running }) => running);
  expect(survivors).toHaveLength(2);
  await Promise.all(calls.map((call) => learn(scene, call, survivors, found)));
}

async function learn(
  scene: Scene,
  call: Call,
  survivors: readonly ClusterNode[],
  found: Found,
): Promise<void> {
  const fact = await call.fact;
  const committed = await isCommitted(call.device);
  const seenMs = performance.now();
  if (committed) await honoured(scene, call.device, survivors, seenMs);
  if (fact.firstOutcome !== 'unknown') {
    await untilEverywhere([fact]);
    return;
  }
  found[committed ? 'unknown' : 'undone'] += 1;
  const position = await askAgain(scene, call, fact);
  // Asking committed nothing anew, or exactly what had not been committed.
  const { rows } = await record.query(
    'select position::int from sekisho.revocation where sid = $1',
    [call.device.session.sid],
  );
  expect(rows).toEqual([{ position }]);
  await scene.load.tryEverywhere([call.device]);
}

/** Bound (section 8): from the commit and a lease on no node accepts it, although nobody announced it. */
async function honoured(
  { load }: Scene,
  device: Device,
  survivors: readonly ClusterNode[],
  seenMs: number,
): Promise<void> {
  await eventually('every other node refuses it', async () => {
    const replies = await Promise.all(survivors.map((node) => load.check(device, node)));
    return replies.every(({ status }) => status === 401);
  });
  const sessions = new Set([device.session.sid]);
  for (const node of survivors) {
    expect(accepted(answered(load, node, sessions, seenMs + LEASE_MS))).toEqual([]);
  }
}

/** The same call under the same key at another node. @returns the entry's position */
async function askAgain({ load }: Scene, call: Call, fact: RevocationFact): Promise<number> {
  const { sid } = call.device.session;
  await eventually('somebody says what became of it', async () => {
    const reply = await cluster.administrator.call(`/v1/admin/sessions/${sid}/revoke`, {
      ...{ method: 'POST', body: { wait_ms: WAIT_MS }, headers: { 'idempotency-key': call.key } },
      node: cluster.nodes.find(({ accepting }) => accepting),
    });
    load.history.answered(fact, reply);
    return fact.outcome === 'everywhere';
  });
  return fact.position ?? Number.NaN;
}

async function devicesOf(scene: Scene): Promise<readonly Device[]> {
  const devices: Device[] = [];
  for (let index = 0; index < CALLS; index += 1)
    devices.push(await loggedIn(scene.load, scene.yuki));
  return devices;
}

function redisOf(node: ClusterNode): TcpProxy {
  const { redis } = cluster.proxies(node);
  if (redis === null) throw new Error('this cluster has no Redis');
  return redis;
}

/** Plays rounds, in each of which the last node is killed and started again. */
async function rounds(
  title: string,
  count: number,
  round: (scene: Scene, node: ClusterNode, found: Found) => Promise<readonly Call[]>,
): Promise<Found> {
  const found: Found = { unknown: 0, undone: 0 };
  await onCluster(cluster, title, async (scene) => {
    const node = cluster.nodes.at(-1);
    if (node === undefined) throw new Error('a cluster has nodes');
    for (let index = 0; index < count; index += 1) {
      const calls = await round(scene, node, found);
      await afterKill(scene, calls, found);
      await node.start();
    }
    await expectAllWhole(scene.load, scene.nodes, scene.yuki);
  });
  process.stderr.write(
    `${title}: no answer and committed ${found.unknown}, no answer and not committed ${found.undone}\n`,
  );
  return found;
}

describe('UNKNOWN OUTCOME B3 a node is killed while it revokes', () => {
  test('after the commit, before it knows of it', async () => {
    const found = await rounds(
      'killed before it knew of the commit',
      LONG ? 10 : 1,
      async (scene, node) => {
        const devices = await devicesOf(scene);
        // The load revokes, too, whenever it logs somebody out: the commit that is waited for is one of these calls'.
        await scene.load.quiet();
        const lost = cluster.proxies(node).postgres.loseAnswerTo(/sekisho\.commit\(/, 'silence');
        const calls = revoking(scene, devices, node);
        await lost;
        await node.kill();
        scene.load.continue();
        return calls;
      },
    );
    expect(found.unknown).toBeGreaterThan(0);
  });

  test('after the commit, before anybody else hears of it', async () => {
    const found = await rounds(
      'killed before the announcement',
      LONG ? 10 : 1,
      async (scene, node) => {
        const devices = await devicesOf(scene);
        redisOf(node).setMode({ kind: 'lose', direction: 'toServer' });
        // Nor do the others' heartbeats tell them, so that nobody acknowledges it before the kill.
        const others = scene.nodes.filter((one) => one !== node);
        for (const one of others) cluster.proxies(one).postgres.setMode({ kind: 'blackhole' });
        const calls = revoking(scene, devices, node);
        const [first] = devices;
        await eventually('one is committed', async () => !!first && (await isCommitted(first)));
        await node.kill();
        for (const one of others) cluster.proxies(one).postgres.setMode({ kind: 'pass' });
        redisOf(node).setMode({ kind: 'pass' });
        return calls;
      },
    );
    expect(found.unknown).toBeGreaterThan(0);
  });

  test('at any moment, again and again', async () => {
    const moments: number[] = [];
    const found = await rounds('killed at random moments', RANDOM_ROUNDS, async (scene, node) => {
      const devices = await devicesOf(scene);
      redisOf(node).setMode({ kind: 'delay', delayMs: 100, jitterMs: 100, direction: 'toServer' });
      const calls: Call[] = [];
      // Early at first, later in every round: nothing is left to chance but the details.
      const killAfterMs = ((moments.length + Math.random()) / RANDOM_ROUNDS) * 150;
      moments.push(Math.round(killAfterMs));
      const killed = sleep(killAfterMs).then(() => node.kill());
      for (const device of devices) {
        calls.push(...revoking(scene, [device], node));
        await sleep(Math.random() * 25);
      }
      await killed;
      redisOf(node).setMode({ kind: 'pass' });
      return calls;
    });
    process.stderr.write(`killed after ${moments.join(', ')} ms\n`);
    expect(found.unknown + found.undone).toBeGreaterThan(0);
  });
});
