/** How long revoking calls take until they say `everywhere`, beside the floor of the same seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HEARTBEAT_MS } from './floor.mjs';

/** How long a call may wait; one that is not everywhere by then ends the benchmark. */
const WAIT_MS = 20_000;
const WARM_UP = 5;

/**
 * @param {import('../../tools/cluster/cluster.mjs').Cluster} cluster
 * @param {import('./floor.mjs').Floor} floor
 * @param {number} count
 */
export async function timeUntilEverywhere({ nodes, people, administrator }, floor, count) {
  /** @type {number[]} */
  const times = [];
  /** @type {number[]} */
  const bare = [];
  for (let index = -WARM_UP; index < count; index += 1) {
    const floorMs = await floor.measure();
    // In step neither with heartbeats nor with the floor's.
    await sleep(Math.random() * HEARTBEAT_MS);
    const node = nodes[(index + WARM_UP) % nodes.length];
    const person = people[(index + WARM_UP) % people.length];
    const reply = await administrator.call(`/v1/admin/users/${person?.uid}/revoke`, {
      ...{ node, body: { wait_ms: WAIT_MS }, timeoutMs: 2 * WAIT_MS },
    });
    if (reply.body?.revocation?.effective !== 'everywhere') {
      throw new Error(`a revocation is not everywhere: ${reply.status} ${reply.code ?? ''}`);
    }
    if (index < 0) continue;
    times.push(reply.endMs - reply.beginMs);
    bare.push(floorMs);
  }
  return { everywhere: quantiles(times), floor: quantiles(bare) };
}

/** @param {number[]} values */
function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ share) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN };
}
