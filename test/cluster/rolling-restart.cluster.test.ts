import { expect, inject, test } from 'vitest';
import { startBalancer } from '../../tools/cluster/balancer.mjs';
import { checkHistory } from '../../tools/cluster/checker.mjs';
import { startCluster } from '../../tools/cluster/cluster.mjs';
import { startLoad } from '../../tools/cluster/load.mjs';
import { report } from '../../tools/cluster/report.mjs';
import { eventually, PATIENT } from '../support/cluster.ts';

test('B4 three nodes behind nginx are replaced one after the other under load: no request fails', async () => {
  const cluster = await startCluster({
    postgres: { url: inject('postgresUrl') },
    // Far more than it takes to be noticed on a machine that is busy with other things.
    env: { ...PATIENT.env, SEKISHO_DRAIN_MS: '10000', SEKISHO_DRAIN_NOTICE_MS: '4000' },
  });
  try {
    const balancer = await startBalancer(cluster);
    try {
      const load = await startLoad(cluster, {
        ...PATIENT.load,
        entrance: balancer.url,
        sockets: 6,
      });
      const opened = (): number =>
        load.history.sockets.filter(({ openedMs }) => openedMs !== null).length;
      await eventually('sockets are open', () => opened() > 0);

      const [yuki, ren] = cluster.people;
      if (yuki === undefined || ren === undefined) throw new Error('two people are needed');

      for (const node of cluster.nodes) {
        const before = node.pid;
        const device = await load.login(ren, node);
        if (device === null) throw new Error('nobody could log in');
        const socket = await load.openSocket(device, node);
        await eventually('a socket is open on it', () => socket?.fact.openedMs !== null);
        // Revoking calls go to the other nodes from here on; all the rest goes through nginx.
        const ended = node.stop();
        await eventually('nginx has let it go', () => !balancer.nginx.nodes().includes(node.url));
        const revocation = await load.revoker.user(
          cluster.people[0] ?? cluster.administrator.person,
        );
        expect(revocation.outcome).toBe('everywhere');
        expect(await ended).toBe(0);
        // It was closed in good order: its client knows that it may come back.
        await eventually('its socket is closed', () => socket?.open === false);
        expect(socket?.fact.code).toBe(1001);
        await node.start();
        expect(node.pid).not.toBe(before);
        await eventually('nginx has it back', () => balancer.nginx.nodes().includes(node.url));
      }
      // All nodes are new ones by now: whoever goes and comes back is served by one of them.
      const openedBefore = opened();
      for (const one of load.sockets) one.close();
      await eventually('sockets are opened on the new nodes', () => opened() > openedBefore);

      await load.stop();
      const verdict = checkHistory(load.history, { uninterrupted: true });
      const title = `rolling restart (seed ${load.seed})`;
      process.stderr.write(`${report(title, load.history, verdict)}\n${balancer.nginx.log()}`);
      expect(verdict.violations).toEqual([]);
      expect(verdict.evidence.validTried).toBeGreaterThan(0);
      expect(verdict.evidence.revokedTried).toBeGreaterThan(0);
    } finally {
      await balancer.stop();
    }
  } finally {
    await cluster.stop();
  }
});
