import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Device } from '../../tools/cluster/device.mjs';
import type { RequestFact, RevocationFact, SocketFact } from '../../tools/cluster/history.mjs';
import type { Reply } from '../../tools/cluster/http.mjs';
import type { Load } from '../../tools/cluster/load.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import type { Person } from '../../tools/cluster/people.mjs';
import { eventually } from './cluster.ts';

/** Logs in on a new device; a node that answers nobody for a moment is asked again. */
export async function loggedIn(load: Load, person: Person, node?: ClusterNode): Promise<Device> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const device = await load.login(person, node);
    if (device !== null) return device;
    await sleep(250);
  }
  throw new Error('nobody could log in');
}

/** A socket of the device that is open at the node. */
export async function opened(load: Load, device: Device, node: ClusterNode): Promise<SocketFact> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const socket = await load.openSocket(device, node);
    if (socket === null) continue;
    await eventually('a socket is opened or refused', () => {
      const { openedMs, closedMs } = socket.fact;
      return openedMs !== null || closedMs !== null;
    });
    if (socket.open) return socket.fact;
  }
  throw new Error('no socket could be opened');
}

/** SIGSTOP, and then the system says that it stands still. */
export async function stopped(node: ClusterNode): Promise<void> {
  node.pause();
  await eventually(`${node.name} stands still`, () => {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(node.pid)], { encoding: 'utf8' });
    return state.startsWith('T');
  });
}

/** What was sent to a node that stands still, and what became of it. */
export interface Held {
  readonly sentMs: number;
  readonly sessions: ReadonlySet<string>;
  readonly replies: Promise<readonly (Reply | null)[]>;
}

/** Presents the devices' tokens at a node in every way that there is, and awaits nothing. */
export function present(load: Load, devices: readonly Device[], node: ClusterNode): Held {
  const sentMs = performance.now();
  const sent = devices.flatMap((device) => [
    load.check(device, node),
    load.check(device, node, { kind: 'session' }),
    load.check(device, node, { fresh: true }),
    load.openSocket(device, node).then(() => null),
  ]);
  const [first] = devices;
  if (first !== undefined && !first.refreshing) sent.push(load.refresh(first, node));
  return {
    sentMs,
    sessions: new Set(devices.map(({ session }) => session.sid)),
    replies: Promise.all(sent),
  };
}

/** What a node answered about these sessions to requests that began after `sinceMs`. */
export function answered(
  load: Load,
  node: ClusterNode,
  sessions: ReadonlySet<string>,
  sinceMs: number,
): readonly RequestFact[] {
  return load.history.requests.filter(
    ({ node: name, session, beginMs }) =>
      name === node.name && session !== null && sessions.has(session.sid) && beginMs > sinceMs,
  );
}

/** Requests that were accepted. */
export function accepted(requests: readonly RequestFact[]): readonly RequestFact[] {
  return requests.filter(({ status }) => status !== null && status >= 200 && status < 300);
}

/** Waits until somebody was told that a revocation is everywhere. */
export async function untilEverywhere(revocations: readonly RevocationFact[]): Promise<void> {
  await eventually('the revocations are everywhere', () =>
    revocations.every(({ outcome }) => outcome === 'everywhere'),
  );
}

/** A node's id among the members, as it says itself; null while it is none, or says nothing. */
export async function memberId(node: ClusterNode): Promise<string | null> {
  const members = await membersAt(node);
  return members.find(({ self }) => self)?.id ?? null;
}

/** Waits until a node no longer finds that one among the members. */
export async function untilRemoved(id: string, observer: ClusterNode): Promise<void> {
  await eventually(`${id} is no member any more`, async () => {
    const members = await membersAt(observer);
    return members.length > 0 && !members.some((member) => member.id === id);
  });
}

async function membersAt(node: ClusterNode): Promise<readonly { id: string; self: boolean }[]> {
  try {
    const response = await fetch(`${node.operationsUrl}/members`, {
      signal: AbortSignal.timeout(5000),
    });
    if (response.status !== 200) return [];
    const { members } = (await response.json()) as { members: { id: string; self: boolean }[] };
    return members;
  } catch {
    return [];
  }
}

/** All is whole: every node ready, and a revocation through each of them everywhere and honoured by all. */
export async function expectAllWhole(
  load: Load,
  nodes: readonly ClusterNode[],
  person: Person,
): Promise<void> {
  await eventually('every node is ready', async () => {
    const all = await Promise.all(nodes.map((node) => node.readiness()));
    return all.every(({ status }) => status === 200);
  });
  for (const node of nodes) {
    const device = await loggedIn(load, person);
    const revocation = await load.revoker.user(person, { node });
    await untilEverywhere([revocation]);
    const replies = await Promise.all(nodes.map((one) => load.check(device, one)));
    for (const { status } of replies) expect([401, 503]).toContain(status);
  }
}
