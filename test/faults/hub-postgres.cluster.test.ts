import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import type { ConnectionFacts, TcpProxy } from '../../tools/services/tcp-proxy.mjs';
import { eventually, onCluster, PATIENT, type Scene, underLoad } from '../support/cluster.ts';
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
      // Each of them was made anew, and cut once more.
      const enough = (): boolean => cuts > 4 * proxies.length;
      for (let round = 0; round < SHORT_MS / 200 || (!enough() && round < 300); round += 1) {
        for (const proxy of proxies) {
          cuts += proxy.connections().filter(ofHub).length;
          proxy.cut(ofHub);
        }
        await sleep(200);
      }
      expect(enough()).toBe(true);
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
      await eventually('everything was done to some message', () => {
        const { passed: _, ...done } = tampering.counts();
        return Object.values(done).every((count) => count > 0);
      });
      const { passed: _, ...done } = tampering.end();
      process.stderr.write(`  messages: ${JSON.stringify(done)}\n`);
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
