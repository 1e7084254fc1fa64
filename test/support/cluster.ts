import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject } from 'vitest';
import { type CheckOptions, checkHistory } from '../../tools/cluster/checker.mjs';
import { type Cluster, type ClusterOptions, startCluster } from '../../tools/cluster/cluster.mjs';
import type { Device } from '../../tools/cluster/device.mjs';
import { type Load, type LoadOptions, startLoad } from '../../tools/cluster/load.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import type { Person } from '../../tools/cluster/people.mjs';
import { report, type Summary, summarize } from '../../tools/cluster/report.mjs';

/** What a case plays on. */
export interface Scene {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly nodes: readonly ClusterNode[];
  /** The first user of the first tenant, logged in on two devices. */
  readonly yuki: Person;
}

export interface CaseOptions {
  readonly cluster?: ClusterOptions;
  readonly load?: LoadOptions;
  readonly check?: CheckOptions;
}

/**
 * For cases that are not about time-outs: a machine that is busy with other things must not make a node stale, nor a call
 * return before it is everywhere.
 */
export const PATIENT = {
  env: { SEKISHO_LEASE_MS: '2000' },
  load: { waitMs: 15_000 },
} as const;

/**
 * Plays a case on three real nodes under load, and judges everything that happened: no revoked token was accepted after
 * `everywhere`, no valid one refused. Prints what happened, and returns it. `PATIENT` unless the case says otherwise.
 */
export async function underLoad(
  title: string,
  play: (scene: Scene) => Promise<void>,
  options: CaseOptions = {},
): Promise<Summary> {
  const postgres = { url: inject('postgresUrl') };
  const cluster = await startCluster({ postgres, env: PATIENT.env, ...options.cluster });
  try {
    return await onCluster(cluster, title, play, options);
  } finally {
    await cluster.stop();
  }
}

/** The same on a cluster that is there, for cases that leave it whole; it is not stopped. */
export async function onCluster(
  cluster: Cluster,
  title: string,
  play: (scene: Scene) => Promise<void>,
  options: Omit<CaseOptions, 'cluster'> = {},
): Promise<Summary> {
  const load = await startLoad(cluster, { ...PATIENT.load, ...options.load });
  const [yuki] = cluster.people;
  if (yuki === undefined) throw new Error('a case needs a person');
  let failed = true;
  try {
    await play({ cluster, load, nodes: cluster.nodes, yuki });
    failed = false;
  } finally {
    await load.stop();
    const verdict = checkHistory(load.history, options.check);
    const text = report(`${title} (seed ${load.seed})`, load.history, verdict);
    process.stderr.write(
      `${text}${failed || verdict.violations.length > 0 ? logs(cluster) : ''}\n`,
    );
    if (!failed) {
      expect(verdict.violations).toEqual([]);
      // A verdict over nothing would be none.
      expect(verdict.evidence.validTried).toBeGreaterThan(0);
    }
  }
  return summarize(load.history);
}

/** What one presentation of a device's newest token is answered by each node. */
export async function answers(
  { load, nodes }: Scene,
  device: Device,
): Promise<readonly (readonly [status: number | null, code: string | null])[]> {
  const replies = await Promise.all(nodes.map((node) => load.check(device, node)));
  return replies.map(({ status, code }) => [status, code] as const);
}

/** Waits until `happened`, or fails after `withinMs`, which is generous: it is no figure. */
export async function eventually(
  what: string,
  happened: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await happened())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(25);
  }
}

/** The last lines of the nodes' logs, cut to a readable length. */
function logs({ nodes }: Cluster): string {
  return nodes
    .map((node) => {
      const lines = node.tail(10).split('\n');
      return `--- ${node.name}\n${lines.map((line) => line.slice(0, 400)).join('\n')}\n`;
    })
    .join('');
}
