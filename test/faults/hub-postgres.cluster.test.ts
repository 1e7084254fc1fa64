import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import type { ConnectionFacts, TcpProxy } from '../../tools/services/tcp-proxy.mjs';
import { onCluster, PATIENT, type Scene, underLoad } from '../support/cluster.ts';
import { expectWhole, logOutAndIn, revokeWhile, untilHub } from '../support/hub-faults.ts';
import { LONG } from '../support/long.ts';
import { tamper } from '../support/tampering.ts';

const SHORT_MS = LONG ? 20_000 : 4_000;
const LOAD = { ...PATIENT.load, loginsPerSecond: 2 };
/** The connections by which a node sends and hears notifications; its statements take others. */
const ofHub = ({ name }: ConnectionFacts): boolean => name === 'sekisho hub';

describe('B4 B9 notifications of PostgreSQL, as a hub, while heartbeats go on', () => {
  let cluster: Cluster;
  let proxies: readonly TcpProxy[];

  beforeAll(async () => {
    const postgres = { url: inject('postgresUrl') };
    cluster = await startCluster({ postgres, env: PATIENT.env, hub: 'notify', proxied: true });
    proxies = cluster.nodes.map((node) => cluster.proxies(node).postgres);
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  async function between(title: string, fault: (scene: Scene) => Promise<void>): Promise<void> {
    const summary = await onCluster(
      cluster,
      title,
      async (scene) => {
        await expectWhole(scene);
        const revoked = await revokeWhile(scene, () => fault(scene));
        expect(revoked).toBeGreaterThanOrEqual(scene.nodes.length);
        await expectWhole(scene);
      },
      { load: LOAD, check: { uninterrupted: true } },
    );
    expect(summary.notEverywhere).toBe(0);
  }

  test('its connections are cut, again and again', async () => {
    await between('notifications cut', async () => {
      let cuts = 0;
      for (let round = 0; round < SHORT_MS / 200; round += 1) {
        for (const proxy of proxies) {
          cuts += proxy.connections().filter(ofHub).length;
          proxy.cut(ofHub);
        }
        await sleep(200);
      }
      expect(cuts).toBeGreaterThan(2 * proxies.length);
    });
  });

  test('its connections are frozen', async () => {
    await between('notifications frozen', async ({ nodes }) => {
      for (const proxy of proxies) proxy.setMode({ kind: 'blackhole', where: ofHub });
      await untilHub('silent', nodes);
      await sleep(SHORT_MS / 2);
      for (const node of nodes) expect((await node.readiness()).status).toBe(200);
      for (const proxy of proxies) proxy.setMode({ kind: 'pass' });
    });
  });

  test('notifications are dropped, doubled, reordered, delayed, changed, sent again and forged', async () => {
    await between('notifications tampered with', async () => {
      const tampering = tamper(proxies);
      await sleep(SHORT_MS);
      const { passed: _, ...done } = tampering.end();
      process.stderr.write(`  messages: ${JSON.stringify(done)}\n`);
      for (const count of Object.values(done)) expect(count).toBeGreaterThan(0);
    });
  });
});

test('B3 B9 without any hub heartbeats carry everything', async () => {
  const summary = await underLoad(
    'no hub',
    async (scene) => {
      for (const node of scene.nodes) {
        expect((await node.readiness()).checks.hub?.detail).toBe('none, silent');
      }
      const revoked = await revokeWhile(scene, () => sleep(SHORT_MS));
      expect(revoked).toBeGreaterThanOrEqual(scene.nodes.length);
      for (const node of scene.nodes) await logOutAndIn(scene, node);
    },
    {
      ...{ cluster: { hub: 'heartbeat', env: PATIENT.env }, load: LOAD },
      check: { uninterrupted: true },
    },
  );
  expect(summary.notEverywhere).toBe(0);
});
