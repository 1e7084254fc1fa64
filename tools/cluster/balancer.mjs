/**
 * nginx in front of a cluster, and beside it what every platform has (an orchestrator, a service registry, a deployment
 * script): something that asks each node's `/readyz` and gives nginx those that are ready.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startNginx } from '../services/nginx.mjs';

/** How often it asks. `SEKISHO_DRAIN_NOTICE_MS` must leave time for this, and for nginx to load its configuration. */
const askEveryMs = 100;

/**
 * @typedef {object} Balancer
 * @property {string} url
 * @property {import('../services/nginx.mjs').Nginx} nginx
 * @property {() => Promise<void>} stop
 */

/** @param {import('./cluster.mjs').Cluster} cluster @returns {Promise<Balancer>} */
export async function startBalancer(cluster) {
  const nginx = await startNginx(cluster.nodes.map(({ url }) => url));
  let stopped = false;

  const follow = async () => {
    while (!stopped) {
      const ready = await readyNodes(cluster);
      // With none that is ready, those that were are as good as any.
      if (ready.length > 0 && ready.join() !== nginx.nodes().join()) await nginx.setNodes(ready);
      await sleep(askEveryMs);
    }
  };
  const following = follow();
  // Whoever stops it learns of a failure; until then nobody waits for it.
  following.catch(() => {});
  return {
    url: nginx.url,
    nginx,
    async stop() {
      stopped = true;
      try {
        await following;
      } finally {
        await nginx.stop();
      }
    },
  };
}

/** @param {import('./cluster.mjs').Cluster} cluster */
async function readyNodes({ nodes }) {
  const all = await Promise.all(
    nodes.map(async (node) => ((await node.readiness()).status === 200 ? [node.url] : [])),
  );
  return all.flat();
}
