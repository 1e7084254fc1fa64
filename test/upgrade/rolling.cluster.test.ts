import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { startBalancer } from '../../tools/cluster/balancer.mjs';
import { checkHistory } from '../../tools/cluster/checker.mjs';
import { startCluster } from '../../tools/cluster/cluster.mjs';
import { startLoad } from '../../tools/cluster/load.mjs';
import { command } from '../../tools/cluster/node.mjs';
import { report } from '../../tools/cluster/report.mjs';
import { eventually, PATIENT } from '../support/cluster.ts';
import { keptReleases } from '../support/releases.ts';

describe.each(keptReleases())('a rolling upgrade from $version', (release) => {
  test('B4 three nodes behind nginx are replaced one after the other under load: no request fails', async () => {
    const cluster = await startCluster({
      postgres: { url: inject('postgresUrl') },
      command: join(release.folder, 'src/cli/main.js'),
      env: { ...PATIENT.env, SEKISHO_DRAIN_MS: '10000', SEKISHO_DRAIN_NOTICE_MS: '4000' },
    });
    try {
      const balancer = await startBalancer(cluster);
      try {
        const load = await startLoad(cluster, {
          ...PATIENT.load,
          entrance: balancer.url,
          sockets: 4,
        });
        const person = cluster.people[0] ?? cluster.administrator.person;
        for (const node of cluster.nodes) {
          const ended = node.stop();
          await eventually('nginx has let it go', () => !balancer.nginx.nodes().includes(node.url));
          expect(await ended).toBe(0);
          // The first one migrates the record, under the nodes of the old release.
          await node.start({ command });
          await eventually('nginx has it back', () => balancer.nginx.nodes().includes(node.url));
          const revocation = await load.revoker.user(person);
          expect(revocation.outcome).toBe('everywhere');
        }
        await load.stop();
        const verdict = checkHistory(load.history, { uninterrupted: true });
        const title = `rolling upgrade from ${release.version} (seed ${load.seed})`;
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
});
