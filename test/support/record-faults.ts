import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { RequestFact, RevocationFact, SocketFact } from '../../tools/cluster/history.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import type { Person } from '../../tools/cluster/people.mjs';
import { withClient } from '../../tools/services/postgres-clients.mjs';
import { eventually, type Scene } from './cluster.ts';

/** A time during which something was broken, in `performance.now()`. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** PostgreSQL hangs for these nodes: connections stay open, nothing passes; what was held passes when it ends. */
export async function hang(
  { cluster }: Scene,
  nodes: readonly ClusterNode[],
  ms: number,
  meanwhile: () => Promise<void> = async () => {},
): Promise<Span> {
  const proxies = nodes.map((node) => cluster.proxies(node).postgres);
  const fromMs = performance.now();
  for (const proxy of proxies) proxy.setMode({ kind: 'blackhole' });
  try {
    await meanwhile();
    await sleep(Math.max(0, fromMs + ms - performance.now()));
  } finally {
    for (const proxy of proxies) proxy.setMode({ kind: 'pass' });
  }
  return { fromMs, toMs: performance.now() };
}

/** Until every one of these nodes may answer, and says so. */
export async function allReady(nodes: readonly ClusterNode[]): Promise<void> {
  await eventually('all nodes are ready', async () => {
    const all = await Promise.all(nodes.map((node) => node.readiness()));
    return all.every(({ status }) => status === 200);
  });
}

/** Whole again: all nodes are ready, and a revocation is everywhere by what its call says. */
export async function wholeAgain({ load, nodes }: Scene, person: Person): Promise<void> {
  await allReady(nodes);
  expect((await load.login(person))?.session.uid).toBe(person.uid);
  const revocation = await load.revoker.user(person, { waitMs: 15_000 });
  expect(revocation.firstOutcome).toBe('everywhere');
}

/** Everything that was asked within a span. */
export function askedIn({ load }: Scene, { fromMs, toMs }: Span): RequestFact[] {
  return load.history.requests.filter(({ beginMs }) => beginMs >= fromMs && beginMs < toMs);
}

/** Sockets that were open when a span began and whose sessions nobody ended before it was over. */
export function socketsOver({ load }: Scene, { fromMs, toMs }: Span): SocketFact[] {
  const { sockets, revocations } = load.history;
  return sockets.filter(
    ({ openedMs, closedMs, byClient, session }) =>
      openedMs !== null &&
      openedMs < fromMs &&
      (closedMs === null || closedMs > fromMs) &&
      !byClient &&
      !revocations.some(
        ({ beginMs, sid, uid }) => beginMs < toMs && (sid === session.sid || uid === session.uid),
      ),
  );
}

/** What is said of a revocation is known by now, whatever it is. */
export async function known(revocation: RevocationFact): Promise<RevocationFact> {
  await eventually('what became of a revocation is known', () =>
    ['everywhere', 'refused'].includes(revocation.outcome),
  );
  return revocation;
}

/** How many generations the record has had. */
export async function generations({ cluster }: Scene): Promise<number> {
  const { rows } = await withClient(cluster.databaseUrl, (client) =>
    client.query<{ count: number }>('select count(*)::integer as count from sekisho.generation'),
  );
  return rows[0]?.count ?? 0;
}

/** One line beside the report of a case. */
export function say(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
