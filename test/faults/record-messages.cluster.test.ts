import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Device } from '../../tools/cluster/device.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import type { Person } from '../../tools/cluster/people.mjs';
import { withClient } from '../../tools/services/postgres-clients.mjs';
import { eventually, type Scene, underLoad } from '../support/cluster.ts';
import { LONG } from '../support/long.ts';
import { allReady, askedIn, known, say, wholeAgain } from '../support/record-faults.ts';

const LEASE_MS = 750;
/** Shorter than usual, so that a term is waited for quickly. */
const TOLERANCE_MS = 4000;
/** Shorter than a term. */
const WAIT_MS = 1000;
/** The same in a call and in its repeat: it is part of what an Idempotency-Key stands for. */
const PATIENT_MS = 15_000;
/** How long a node hears no answers. */
const DEAF_MS = 3000;
/** `unavailable`: come back. */
const UNAVAILABLE = 1013;
/** What the one statement that revokes anything is called. */
const COMMIT = /sekisho\.commit\(/;

/** Revocations of a person's sessions in the log. */
async function entriesOf({ cluster }: Scene, { uid }: Person): Promise<number> {
  const { rows } = await withClient(cluster.databaseUrl, (client) =>
    client.query<{ count: number }>(
      "select count(*)::integer as count from sekisho.revocation where scope = 'user' and uid = $1",
      [uid],
    ),
  );
  return rows[0]?.count ?? 0;
}

async function members({ cluster }: Scene): Promise<number> {
  const { rows } = await withClient(cluster.databaseUrl, (client) =>
    client.query<{ count: number }>('select count(*)::integer as count from sekisho.member'),
  );
  return rows[0]?.count ?? 0;
}

async function loggedIn({ load }: Scene, person: Person, node?: ClusterNode): Promise<Device> {
  let device: Device | null = null;
  await eventually('a login succeeds', async () => {
    device = await load.login(person, node);
    return device !== null;
  });
  if (device === null) throw new Error('nobody could log in');
  return device;
}

/** How often a connection is cut while it carries a revocation. */
const ROUNDS = LONG ? 30 : 6;

/** Slow, and cut again and again: calls may be answered 503 and be unknown, and are known afterwards. */
async function slowAndCut(scene: Scene, person: Person): Promise<void> {
  const { cluster, load, nodes } = scene;
  const proxies = nodes.map((node) => cluster.proxies(node).postgres);
  for (const proxy of proxies) proxy.setMode({ kind: 'delay', delayMs: 50, jitterMs: 100 });
  await known(await load.revoker.user(person));
  for (const proxy of proxies) proxy.setMode({ kind: 'pass' });

  for (let round = 0; round < ROUNDS; round += 1) {
    const [node, proxy] = [nodes[round % nodes.length], proxies[round % proxies.length]];
    if (node === undefined || proxy === undefined) throw new Error('a case needs nodes');
    const call = load.revoker.user(person, { node });
    await sleep(round * 2);
    proxy.cut();
    await known(await call);
  }
  await allReady(nodes);

  // Statements get through and their answers are lost: those of one refresh and one login at each node, …
  const lost = proxies.flatMap((proxy) =>
    [/sekisho\.rotate_session\(/, /sekisho\.open_session\(/].map((one) => proxy.loseAnswerTo(one)),
  );
  for (const node of nodes) await load.login(person, node);
  await Promise.all(lost);

  // … and for some seconds all of one node's.
  const [first] = nodes;
  if (first === undefined) throw new Error('a case needs nodes');
  cluster.proxies(first).postgres.setMode({ kind: 'lose', direction: 'toClient' });
  const call = load.revoker.user(person, { node: first });
  await sleep(DEAF_MS);
  cluster.proxies(first).postgres.setMode({ kind: 'pass' });
  await known(await call);
  await allReady(nodes);
}

/** A commit gets through and its answer is lost: whoever asks later, or calls again with the same key, learns of that one. */
async function answersLost(scene: Scene, person: Person): Promise<void> {
  const { cluster, load, nodes } = scene;
  const [first, second] = nodes;
  if (first === undefined || second === undefined) throw new Error('a case needs nodes');
  const proxy = cluster.proxies(first).postgres;
  const path = `/v1/admin/users/${person.uid}/revoke`;
  const again = (key: string) =>
    cluster.administrator.call(path, {
      ...{ node: second, method: 'POST', body: { wait_ms: PATIENT_MS } },
      headers: { 'idempotency-key': key },
    });
  // Statements that are waited for from here on are of this case's own calls.
  await load.quiet();

  // While its caller waits, the node finds out by itself.
  await loggedIn(scene, person);
  const before = await entriesOf(scene, person);
  const once = proxy.loseAnswerTo(COMMIT);
  const found = await load.revoker.user(person, {
    ...{ node: first, operationKey: 'found', waitMs: PATIENT_MS },
  });
  await once;
  expect(found.firstOutcome).toBe('everywhere');
  expect((await again('found')).body.revocation.id).toBe(found.id);
  expect(await entriesOf(scene, person)).toBe(before + 1);

  // It cannot: the call says that it does not know, and with which id it can be asked after.
  const device = await loggedIn(scene, person);
  const lost = proxy.loseAnswerTo(COMMIT).then(() => proxy.setMode({ kind: 'cut' }));
  const call = load.revoker.user(person, {
    node: first,
    operationKey: 'unknown',
    waitMs: PATIENT_MS,
  });
  await lost;
  const unknown = await call;
  expect(unknown.firstOutcome).toBe('unknown');
  expect((await again('unknown')).body.revocation.id).toBe(unknown.id);
  expect((await known(unknown)).outcome).toBe('everywhere');
  expect(await entriesOf(scene, person)).toBe(before + 2);
  expect((await load.check(device, second)).status).toBe(401);
  proxy.setMode({ kind: 'pass' });
  await allReady(nodes);
  expect((await load.check(device, first)).status).toBe(401);
  load.continue();
}

/**
 * One node is cut off from the record, and from the hub, beyond its term: what the others revoke is pending until then. What
 * it was asked to revoke itself does not happen, whatever arrives later.
 */
async function oneCutOff(scene: Scene, person: Person, spared: Person): Promise<void> {
  const { cluster, load, nodes } = scene;
  const [first, second] = nodes;
  if (first === undefined || second === undefined) throw new Error('a case needs nodes');
  const { postgres, redis } = cluster.proxies(first);
  const revoked = await loggedIn(scene, person, second);
  const valid = await loggedIn(scene, spared, second);
  const before = await entriesOf(scene, spared);
  const socket = await load.openSocket(valid, first);
  await eventually('a socket is open', () => socket?.fact.openedMs !== null);

  // Cut off at the very moment at which its statement is on its way: one that was never sent would not be unknown.
  // Statements that are waited for from here on are of this case's own calls.
  await load.quiet();
  const fromMs = performance.now();
  const cutOff = postgres.holdFrom(COMMIT).then(() => redis?.setMode({ kind: 'blackhole' }));
  const ownCall = load.revoker.user(spared, { node: first });
  await cutOff;
  load.continue();
  const others = await load.revoker.user(person, { node: second, waitMs: WAIT_MS });
  expect(others.firstOutcome).toBe('pending');
  expect((await known(others)).outcome).toBe('everywhere');
  const said = await load.check(revoked, first);
  expect([said.status, Number(said.headers['retry-after']) > 0]).toEqual([503, true]);
  const held = await load.check(valid, first);
  expect([held.status, Number(held.headers['retry-after']) > 0]).toEqual([503, true]);
  const own = await ownCall;
  expect(own.firstOutcome).toBe('unknown');
  expect((await known(own)).outcome).toBe('refused');
  await eventually('the others take it out', async () => (await members(scene)) === 2);
  for (const proxy of [postgres, redis]) proxy?.setMode({ kind: 'pass' });
  const span = { fromMs, toMs: performance.now() };

  await eventually('it joins again', async () => (await members(scene)) === 3);
  await allReady(nodes);
  expect((await load.check(revoked, first)).code).toBe('session_revoked');
  // The statement that was on its way has arrived by now, and has done nothing.
  expect(await entriesOf(scene, spared)).toBe(before);
  for (const node of nodes) expect((await load.check(valid, node)).status).toBe(200);
  expect(socket?.fact.code).toBe(UNAVAILABLE);
  const stale = askedIn(scene, span).filter(({ freshness }) => freshness === 'stale');
  expect(stale.length).toBeGreaterThan(0);
  say(
    `one node cut off for ${((span.toMs - span.fromMs) / 1000).toFixed(1)} s: pending, then everywhere`,
  );
}

test('B8 B9 UNKNOWN OUTCOME BARRIER messages to PostgreSQL are late, cut, and their answers lost; one node is cut off beyond its term', async () => {
  const summary = await underLoad(
    'messages between nodes and PostgreSQL',
    async (scene) => {
      const { cluster, yuki } = scene;
      const [, kai, ida, noa] = cluster.people;
      if (!kai || !ida || !noa) throw new Error('too few people');
      await wholeAgain(scene, yuki);
      await slowAndCut(scene, yuki);
      await answersLost(scene, kai);
      await oneCutOff(scene, ida, noa);
      await wholeAgain(scene, yuki);
    },
    {
      cluster: {
        env: { SEKISHO_LEASE_MS: String(LEASE_MS), SEKISHO_TOLERANCE_MS: String(TOLERANCE_MS) },
        proxied: true,
      },
    },
  );
  expect(summary.revocations.unknown).toBeGreaterThanOrEqual(2);
  expect(summary.pending).toBeGreaterThanOrEqual(1);
});
