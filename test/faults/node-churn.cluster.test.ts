import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import type { Device } from '../../tools/cluster/device.mjs';
import type { RevocationFact } from '../../tools/cluster/history.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import { eventually, onCluster, PATIENT, type Scene } from '../support/cluster.ts';
import { LONG } from '../support/long.ts';
import { answered, expectAllWhole, loggedIn, untilEverywhere } from '../support/node-faults.ts';

/** Of a member that was killed, the others wait out the term. */
const ENV = { SEKISHO_LEASE_MS: '1500', SEKISHO_TOLERANCE_MS: '3000' };
/** The same request has the same body. */
const WAIT_MS = 15_000;
const AT_ONCE = 100;
const DURING_START = 200;
/** Of which so many end sessions whose tokens are tried; the others end those of people who have none. */
const TRIED = 40;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ postgres: { url: inject('postgresUrl') }, env: ENV, people: 8 });
});

afterAll(async () => {
  await cluster?.stop();
});

async function devicesOf({ load }: Scene, count: number): Promise<readonly Device[]> {
  const devices: Device[] = [];
  for (let from = 0; from < count; from += 8) {
    const some = cluster.people.slice(0, Math.min(8, count - from));
    devices.push(...(await Promise.all(some.map((person) => loggedIn(load, person)))));
  }
  return devices;
}

/** Revokes at a node that accepts calls; when its answer is lost, the same call is made again until one says everywhere. */
async function revoke({ load }: Scene, device: Device): Promise<RevocationFact> {
  const key = randomBytes(12).toString('base64url');
  const fact = await load.revoker.session(device, { waitMs: WAIT_MS, operationKey: key });
  const { sid } = device.session;
  await eventually('somebody says what became of it', async () => {
    if (fact.outcome === 'everywhere') return true;
    const { administrator } = cluster;
    try {
      const reply = await administrator.call(`/v1/admin/sessions/${sid}/revoke`, {
        ...{ method: 'POST', body: { wait_ms: WAIT_MS }, headers: { 'idempotency-key': key } },
      });
      load.history.answered(fact, reply);
    } catch {
      // The administrator could not log in at a node that is ending: tried again.
    }
    return false;
  });
  return fact;
}

function at(index: number): ClusterNode {
  const node = cluster.nodes[index];
  if (node === undefined) throw new Error(`there is no node ${index}`);
  return node;
}

describe('B3 B10 B11 revocations while nodes come and go', () => {
  test('100 at once, while nodes join, leave, are killed and come back', async () => {
    let revoked = 0;
    await onCluster(
      cluster,
      'nodes come and go',
      async (scene) => {
        const { load, yuki } = scene;
        for (let round = 0; round < (LONG ? 10 : 1); round += 1) {
          const devices = await devicesOf(scene, AT_ONCE);
          let over = false;
          const revoking = Promise.all(
            devices.map(async (device, index) => {
              // Most at once; the others while the nodes' changes go on.
              if (index % 4 === 0) await sleep(index * 60);
              const fact = await revoke(scene, device);
              expect(fact.outcome).toBe('everywhere');
              revoked += 1;
            }),
          ).finally(() => {
            over = true;
          });
          const changes = (async () => {
            await at(2).kill();
            const joined = cluster.addNode();
            await at(1).stop();
            await Promise.all([at(1).start(), at(2).start(), joined]);
            await at(1).kill();
            await at(1).start();
            await cluster.removeNode(await joined);
          })();
          await Promise.all([revoking, changes]);
          expect(over).toBe(true);
          for (const device of devices) {
            const replies = await Promise.all(
              cluster.nodes.map((node) => load.check(device, node)),
            );
            for (const { status } of replies) expect(status).toBe(401);
          }
        }
        await expectAllWhole(load, cluster.nodes, yuki);
      },
      { load: { ...PATIENT.load, bursts: false } },
    );
    expect(revoked).toBeGreaterThanOrEqual(AT_ONCE);
  });

  test('a node starts during 200 revocations: its first answers are right', async () => {
    await onCluster(cluster, 'a start under revocations', async (scene) => {
      const { load, yuki } = scene;
      for (let round = 0; round < (LONG ? 10 : 1); round += 1) {
        const devices = await devicesOf(scene, TRIED);
        const idle = await cluster.administrator.makePeople(4);
        const sessions = new Set(devices.map(({ session }) => session.sid));
        const facts: RevocationFact[] = [];
        let done = false;

        // Everybody's token is presented to the new node from before it exists.
        const asking: Promise<void>[] = [];
        const ask = async (node: ClusterNode): Promise<void> => {
          while (!done) {
            await Promise.all(devices.map((device) => load.check(device, node)));
            await sleep(5);
          }
        };
        let made: ClusterNode | null = null;
        const beganMs = performance.now();
        const adding = cluster.addNode({
          made(node) {
            made = node;
            asking.push(ask(node));
          },
        });
        const old = [...cluster.nodes];
        const revokeAll = async (): Promise<void> => {
          for (let index = 0; index < DURING_START; index += 4) {
            const node = old[(index / 4) % old.length];
            if (node === undefined) throw new Error('a cluster has nodes');
            const device = devices[index / 4];
            const some = idle.slice(0, device === undefined ? 4 : 3);
            facts.push(
              ...(await Promise.all([
                ...(device === undefined ? [] : [load.revoker.session(device, { node })]),
                ...some.map((person) => load.revoker.user(person, { node })),
              ])),
            );
          }
        };
        const revoking = revokeAll();
        const node = await adding;
        const servesMs = performance.now();
        await revoking;
        done = true;
        await Promise.all(asking);
        await untilEverywhere(facts);
        expect(facts).toHaveLength(DURING_START);
        expect(made).toBe(node);

        const requests = answered(load, node, sessions, beganMs);
        const first = requests.filter(({ status }) => status !== null && status !== 503);
        const counts = new Map<string, number>();
        for (const { status, code } of requests) {
          const what = `${status ?? 'none'} ${code ?? ''}`.trim();
          counts.set(what, (counts.get(what) ?? 0) + 1);
        }
        process.stderr.write(
          `its answers about ${sessions.size} people: ${[...counts].map(([what, n]) => `${n} ${what}`).join(', ')}; ` +
            `${facts.filter(({ endMs }) => (endMs ?? 0) < servesMs).length} revocations had ended when it served\n`,
        );
        // Nothing but: not yet, yes, revoked.
        expect(first.filter(({ status }) => status !== 200 && status !== 401)).toEqual([]);
        expect(first.length).toBeGreaterThan(0);
        expect(facts.some(({ endMs }) => (endMs ?? Infinity) < servesMs)).toBe(true);
        for (const device of devices) {
          expect(await load.check(device, node)).toMatchObject({ status: 401 });
        }
        await cluster.removeNode(node);
      }
      await expectAllWhole(load, cluster.nodes, yuki);
    });
  });
});
