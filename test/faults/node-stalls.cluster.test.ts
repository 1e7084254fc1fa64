import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import type { Device } from '../../tools/cluster/device.mjs';
import type { RevocationFact, SocketFact } from '../../tools/cluster/history.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import { onCluster, type Scene } from '../support/cluster.ts';
import { LONG } from '../support/long.ts';
import {
  accepted,
  answered,
  expectAllWhole,
  type Held,
  loggedIn,
  memberId,
  opened,
  present,
  untilEverywhere,
  untilRemoved,
} from '../support/node-faults.ts';
import { blockable, type Stall, standing } from '../support/node-stalls.ts';

const LEASE_MS = 1000;
const TOLERANCE_MS = 3000;
/** Requests that wait for a node to go on are not given up. */
const PATIENT_LOAD = { load: { timeoutMs: 90_000 } };
/** Not worth waiting for where a node stands still: the call says `pending`. */
const BRIEF_MS = 200;

let cluster: Cluster;
const folder = mkdtempSync(join(tmpdir(), 'sekisho-stalls-'));

beforeAll(async () => {
  cluster = await startCluster({
    postgres: { url: inject('postgresUrl') },
    env: {
      SEKISHO_LEASE_MS: String(LEASE_MS),
      SEKISHO_TOLERANCE_MS: String(TOLERANCE_MS),
    },
  });
});

afterAll(async () => {
  for (const node of cluster?.nodes ?? []) node.continue();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Stood {
  readonly revocations: readonly RevocationFact[];
  readonly devices: readonly Device[];
  readonly sockets: readonly SocketFact[];
  readonly held: readonly Held[];
  readonly stoppedMs: number;
  readonly continuedMs: number;
}

/**
 * A node stands still; people are revoked through the others; requests for them lie in the node's sockets from before and
 * after that. It goes on when `until` has come.
 */
async function stand(
  { load, nodes, cluster: { people } }: Scene,
  stall: Stall,
  until: (revocations: readonly RevocationFact[]) => Promise<void>,
): Promise<Stood> {
  const { node } = stall;
  const [first, second] = nodes.filter((one) => one !== node);
  const [yuki, other] = people;
  if (!first || !second || !yuki || !other) throw new Error('a case needs nodes and people');
  const devices = [await loggedIn(load, yuki), await loggedIn(load, yuki)];
  const single = await loggedIn(load, other);
  const all = [...devices, single];
  const sockets: SocketFact[] = [];
  for (const device of all) sockets.push(await opened(load, device, node));

  await stall.begin();
  const stoppedMs = performance.now();
  const held = [present(load, all, node)];
  // The load's own requests lie there too; the others go elsewhere, or nothing would be tried meanwhile.
  await sleep(200);
  node.accepting = false;
  const revocations = await Promise.all([
    load.revoker.user(yuki, { node: first, waitMs: BRIEF_MS }),
    load.revoker.session(single, { node: second, waitMs: BRIEF_MS }),
  ]);
  held.push(present(load, all, node));
  await until(revocations);
  held.push(present(load, all, node));
  const continuedMs = performance.now();
  await stall.end();
  node.accepting = true;
  await Promise.all(held.map(({ replies }) => replies));
  await untilEverywhere(revocations);
  return { revocations, devices: all, sockets, held, stoppedMs, continuedMs };
}

/** Requests really waited for the node to go on. */
function expectHeld({ load }: Scene, node: ClusterNode, stood: Stood): void {
  const sessions = new Set(stood.devices.map(({ session }) => session.sid));
  const waited = answered(load, node, sessions, stood.stoppedMs).filter(
    ({ beginMs }) => beginMs < stood.continuedMs,
  );
  expect(waited.length).toBeGreaterThanOrEqual(stood.devices.length * 9);
  for (const { endMs } of waited) expect(endMs).toBeGreaterThanOrEqual(stood.continuedMs);
}

/** Beyond its term nobody waits for it, and nothing that it knew before counts any more. */
function expectNothingAccepted(scene: Scene, node: ClusterNode, stood: Stood): void {
  expectHeld(scene, node, stood);
  const sessions = new Set(stood.devices.map(({ session }) => session.sid));
  expect(accepted(answered(scene.load, node, sessions, stood.stoppedMs))).toEqual([]);
}

/** BARRIER: before the end of the term of a member that says nothing, no call says `everywhere`. */
function expectPending(stood: Stood, termMs: number): void {
  for (const { beginMs, endMs, firstOutcome } of stood.revocations) {
    if ((endMs ?? 0) - beginMs < termMs) expect(firstOutcome).toBe('pending');
  }
}

/** It stood still until then, so its term was waited out. */
function expectTermWaitedOut(stood: Stood, termMs: number): void {
  expectPending(stood, termMs);
  for (const { beginMs, everywhereMs } of stood.revocations) {
    expect((everywhereMs ?? 0) - beginMs).toBeGreaterThanOrEqual(termMs);
  }
}

function last(nodes: readonly ClusterNode[]): ClusterNode {
  const node = nodes.at(-1);
  if (node === undefined) throw new Error('a cluster has nodes');
  return node;
}

describe('B3 B6 a node stands still, and goes on', () => {
  test('beyond its lease: revocations are pending until it acknowledges them', async () => {
    const summary = await onCluster(
      cluster,
      'stopped beyond its lease',
      async (scene) => {
        const { load, nodes, yuki } = scene;
        const stall = standing(last(nodes));
        const stood = await stand(scene, stall, () => sleep(LEASE_MS));
        expectHeld(scene, stall.node, stood);
        await expectAllWhole(load, nodes, yuki);
      },
      PATIENT_LOAD,
    );
    expect(summary.notEverywhere).toBe(0);
  });

  test('beyond its term: everywhere then, and it accepts no revoked token that lay in its sockets', async () => {
    const summary = await onCluster(
      cluster,
      'stopped beyond its term',
      async (scene) => {
        const { load, nodes, yuki } = scene;
        const stall = standing(last(nodes));
        for (let round = 0; round < (LONG ? 10 : 1); round += 1) {
          const stood = await stand(scene, stall, untilEverywhere);
          expectNothingAccepted(scene, stall.node, stood);
          expectTermWaitedOut(stood, LEASE_MS + TOLERANCE_MS);
        }
        await expectAllWhole(load, nodes, yuki);
      },
      PATIENT_LOAD,
    );
    expect(summary.notEverywhere).toBe(0);
  });

  test('until it was removed: it joins again under another id', async () => {
    const summary = await onCluster(
      cluster,
      'stopped until it was removed',
      async (scene) => {
        const { load, nodes, yuki } = scene;
        const stall = standing(last(nodes));
        const id = await memberId(stall.node);
        const [observer] = nodes;
        if (id === null || observer === undefined) throw new Error('it is no member');
        const stood = await stand(scene, stall, async (revocations) => {
          await untilRemoved(id, observer);
          await untilEverywhere(revocations);
        });
        expectNothingAccepted(scene, stall.node, stood);
        await expectAllWhole(load, nodes, yuki);
        const next = await memberId(stall.node);
        expect(next).not.toBe(id);
        expect(next).not.toBeNull();
      },
      PATIENT_LOAD,
    );
    expect(summary.notEverywhere).toBe(0);
  });
});

describe('B6 ANSWER an event loop is blocked', () => {
  test.each(['the system stops it', 'it computes'])(
    'for bursts shorter and longer than its lease, while %s: it never answers with what it knew before',
    async (how) => {
      await onCluster(
        cluster,
        `blocked in bursts, ${how}`,
        async (scene) => {
          const { load, nodes, yuki } = scene;
          const node = last(nodes);
          // Without tolerance its term is its lease.
          const env: Record<string, string> = { SEKISHO_TOLERANCE_MS: '0' };
          const stall = how === 'it computes' ? blockable(node, folder) : standing(node);
          await node.stop();
          await node.start({ env: { ...env, ...stall.env } });
          let shorter = 0;
          for (let round = 0; round < (LONG ? 40 : 6); round += 1) {
            const isLong = round % 3 === 2;
            const begunMs = performance.now();
            const stood = await stand(scene, stall, (revocations) =>
              isLong ? untilEverywhere(revocations) : sleep((round % 3) * 100),
            );
            if (isLong) expectNothingAccepted(scene, node, stood);
            else expectHeld(scene, node, stood);
            if (stood.continuedMs - begunMs < LEASE_MS) shorter += 1;
          }
          process.stderr.write(`${shorter} of the bursts ended within the lease\n`);
          await expectAllWhole(load, nodes, yuki);
        },
        PATIENT_LOAD,
      );
    },
  );
});
