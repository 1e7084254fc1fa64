import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import type { TcpProxy } from '../../tools/services/tcp-proxy.mjs';
import { eventually, onCluster, PATIENT, type Scene } from '../support/cluster.ts';
import { type GuessedTenant, makeGuessedTenant } from '../support/guesser.ts';
import { expectWhole, redisProxies, revokeWhile, untilHub } from '../support/hub-faults.ts';
import { LONG } from '../support/long.ts';
import { onlyNonces, tamper } from '../support/tampering.ts';

const SHORT_MS = LONG ? 20_000 : 4_000;

let cluster: Cluster;
let guessed: GuessedTenant;
let proxies: readonly TcpProxy[];

beforeAll(async () => {
  const postgres = { url: inject('postgresUrl') };
  cluster = await startCluster({ postgres, env: PATIENT.env, hub: 'redis', proxied: true });
  guessed = await makeGuessedTenant(cluster, 'narrows');
  proxies = redisProxies(cluster);
});

afterAll(async () => {
  await cluster?.stop();
});

/** People are logged out and an account is guessed at all the while; none of it is interrupted. */
async function between(title: string, fault: (scene: Scene) => Promise<void>): Promise<void> {
  const summary = await onCluster(
    cluster,
    title,
    async (scene) => {
      await expectWhole(scene);
      const guesser = await guessed.guess();
      const revoked = await revokeWhile(scene, () => fault(scene));
      expect(revoked).toBeGreaterThanOrEqual(scene.nodes.length);
      for (const proxy of proxies) {
        proxy.onDelivery(undefined);
        proxy.setMode({ kind: 'pass' });
      }
      await expectWhole(scene);
      await guesser.end();
    },
    { load: { ...PATIENT.load, loginsPerSecond: 2 }, check: { uninterrupted: true } },
  );
  expect(summary.notEverywhere).toBe(0);
}

describe('B9 A4 between the nodes and Redis', () => {
  test('messages are dropped, doubled, reordered, delayed, changed, sent again and forged', async () => {
    await between('messages tampered with', async () => {
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

  test('a hub that works by all signs delivers nothing', async () => {
    await between('nothing but nonces is delivered', async ({ nodes }) => {
      const before = proxies.map((proxy) => proxy.deliveries().dropped);
      for (const proxy of proxies) proxy.onDelivery(onlyNonces);
      await sleep(SHORT_MS);
      await untilHub('working', nodes);
      for (const [index, proxy] of proxies.entries()) {
        expect(proxy.deliveries().dropped).toBeGreaterThan(before[index] ?? 0);
      }
    });
  });

  test('everything to one node is late, to another one it is lost, and a third one loses answers', async () => {
    await between('late, lost, unanswered', async ({ nodes }) => {
      const [late, lossy, unanswered] = proxies;
      if (late === undefined || lossy === undefined || unanswered === undefined)
        throw new Error('this case needs three nodes');
      late.setMode({ kind: 'delay', delayMs: 300, jitterMs: 500 });
      lossy.setMode({ kind: 'lose', direction: 'toClient' });
      // An attempt was counted, and nobody hears of it.
      await unanswered.loseAnswerTo(/^evalsha/i, 'silence');
      await unanswered.loseAnswerTo(/^evalsha/i, 'reset');
      await untilHub('silent', nodes.slice(1, 2));
      lossy.setMode({ kind: 'lose', direction: 'toServer' });
      late.setMode({ kind: 'cut' });
      await untilHub('silent', nodes.slice(0, 2));
      await sleep(SHORT_MS / 4);
    });
  });
});
