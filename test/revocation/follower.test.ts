import { describe, expect, it } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import {
  FORGET_MARGIN_MS,
  MAX_ACCESS_TTL_MS,
  MAX_TERM_MS,
} from '../../src/revocation/constants.ts';
import type { BarrierResult, Connection } from '../../src/revocation/contract.ts';
import { createFollower } from '../../src/revocation/follower.ts';
import type { Entry, TokenFacts } from '../../src/revocation/types.ts';
import { type SimulatedNode, Simulation } from '../support/simulation.ts';

const LEASE_MS = 300;
const TOLERANCE_MS = 3000;
const OPTIONS = { leaseMs: LEASE_MS, toleranceMs: TOLERANCE_MS };
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

/** A token of a session that began at the record's present head. */
function tokenOf(world: Simulation, uid = 'u1', sid = 's1'): TokenFacts {
  const { generation, position } = world.record.head;
  return { tid: 't1', uid, sid, generation, epoch: position, tokenEpoch: position };
}

let operations = 0;
const userFloor = (uid = 'u1') => {
  operations += 1;
  return {
    operationId: `op${operations}`,
    scope: 'user',
    tid: 't1',
    uid,
    sid: null,
    sparedSid: null,
  };
};

/** Somebody else commits an entry; nobody announces it. */
const commit = (world: Simulation, uid?: string): Entry => world.record.append(userFloor(uid));

async function joined(
  world: Simulation,
  count = 1,
  options: object = OPTIONS,
): Promise<SimulatedNode[]> {
  const nodes = Array.from({ length: count }, () => world.addNode(options));
  await world.until(Promise.all(nodes.map((node) => node.follower.join())));
  return nodes;
}

async function one(world: Simulation, options: object = OPTIONS): Promise<SimulatedNode> {
  const [node] = await joined(world, 1, options);
  return node as SimulatedNode;
}

const kindsOf = (node: SimulatedNode) => node.events.map((event) => event.kind);

function connectionOf(
  facts: TokenFacts,
  endsAtMs = FOREVER_MS,
): Connection & { readonly killed: string[] } {
  const killed: string[] = [];
  return { facts, endsAtMs, killed, kill: (why) => killed.push(why) };
}

describe('MEMBERS: joining', () => {
  it('B10 a node answers for nobody before its row, its snapshot and its proof', async () => {
    const world = new Simulation(1);
    const token = tokenOf(world);
    commit(world);
    const node = world.addNode(OPTIONS);
    const join = node.follower.join();
    let answered = 0;
    while (node.follower.status().state === 'joining') {
      if (node.follower.judgeNow({ ...token, uid: 'u2', sid: 's2' }).kind === 'pass') answered += 1;
      await world.run(1);
    }
    await join;
    expect(answered).toBe(0);
    expect([...world.record.carried.keys()].slice(0, 4)).toEqual([
      ...['join', 'snapshot', 'fetch', 'heartbeat'],
    ]);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'revoked' });
    expect(node.follower.judgeNow({ ...token, uid: 'u2', sid: 's2' })).toEqual({
      kind: 'pass',
      freshness: 'fresh',
    });
  });

  it('B10 keeps trying while the record is out of reach, no faster than it beats', async () => {
    const world = new Simulation(2);
    world.faults.recordDown = true;
    const node = world.addNode(OPTIONS);
    const join = node.follower.join();
    await world.run(5000);
    expect(node.follower.status().state).toBe('joining');
    expect(node.follower.judgeNow(tokenOf(world))).toEqual({ kind: 'unavailable' });
    expect(kindsOf(node).filter((kind) => kind === 'failed').length).toBeLessThanOrEqual(
      5000 / (LEASE_MS / 3),
    );
    world.faults.recordDown = false;
    await world.until(join);
    expect(node.follower.status().state).toBe('serving');
  });

  it('B10 rows whose acknowledgement was lost are taken away again', async () => {
    const world = new Simulation(3);
    world.faults.lostAnswer = 0.7;
    const node = world.addNode(OPTIONS);
    const join = node.follower.join();
    await world.run(3000);
    world.faults.lostAnswer = 0;
    await world.until(join);
    await world.run(1000);
    expect([...world.record.members.keys()]).toEqual([node.follower.memberId]);
  });

  it('WALL TIME: a node whose clock and the record differ by more than MAX_SKEW does not join, and says so', async () => {
    const world = new Simulation(4);
    const { clock, log } = world.addNode(OPTIONS);
    const follower = createFollower({
      ...OPTIONS,
      log,
      members: world.record.memberStore(async (_verb, run) => run()),
      hub: world.hub(),
      clock: { ...clock, wallMs: () => world.nowMs + 3_600_000 },
    });
    await expect(follower.join()).rejects.toMatchObject({ code: 'invalid_configuration' });
    expect(world.record.members.size).toBe(0);
  });

  it('refuses a lease and a tolerance that exceed MAX_TERM', async () => {
    const world = new Simulation(5);
    for (const bad of [
      { leaseMs: 0 },
      { leaseMs: 1.5 },
      { toleranceMs: -1 },
      { leaseMs: 750, toleranceMs: MAX_TERM_MS },
    ]) {
      expect(() => world.addNode(bad)).toThrow(SekishoError);
    }
  });

  it('leaving: stops answering, cuts its connections, then its row goes', async () => {
    const world = new Simulation(6);
    const node = await one(world);
    const connection = connectionOf(tokenOf(world));
    node.follower.connect(connection);
    const waiting = node.follower.proveNow().catch((error: unknown) => error);
    const leave = node.follower.leave();
    expect(node.follower.judgeNow(tokenOf(world))).toEqual({ kind: 'unavailable' });
    expect(connection.killed).toEqual(['unavailable']);
    expect(world.record.members.size).toBe(1);
    await world.until(leave);
    expect(world.record.members.size).toBe(0);
    expect(await waiting).toMatchObject({ code: 'store_unavailable' });
    const { carried } = world.record;
    const before = new Map(carried);
    await world.run(5000);
    expect(carried).toEqual(before);
  });
});

describe('MEMBERS: removal', () => {
  it('B4 a removed node stops answering at once, joins again under a new id and keeps its view', async () => {
    const world = new Simulation(7);
    const node = await one(world);
    const token = tokenOf(world);
    commit(world);
    await world.run(500);
    const { memberId } = node.follower;
    const connection = connectionOf({ ...token, uid: 'u2', sid: 's2' });
    node.follower.connect(connection);
    const snapshots = world.record.carried.get('snapshot');
    world.record.members.delete(memberId);
    while (!kindsOf(node).includes('removed')) await world.run(1);
    expect(node.follower.judgeNow({ ...token, uid: 'u2', sid: 's2' })).toEqual({
      kind: 'unavailable',
    });
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'revoked' });
    expect(connection.killed).toEqual(['unavailable']);
    await world.run(1000);
    expect(node.follower.status()).toMatchObject({
      state: 'serving',
      freshness: 'fresh',
      applied: 1,
    });
    expect(node.follower.memberId).not.toBe(memberId);
    expect(world.record.carried.get('snapshot')).toBe(snapshots);
  });

  it('B4 a member that has stopped is removed after its term, and one that beats is not', async () => {
    const world = new Simulation(8);
    const [a, b] = (await joined(world, 2)) as [SimulatedNode, SimulatedNode];
    b.paused = true;
    await world.run(4000);
    expect(world.record.members.size).toBe(2);
    await world.run(12_000);
    expect([...world.record.members.keys()]).toEqual([a.follower.memberId]);
    expect(a.events).toContainEqual({ kind: 'member_removed', memberId: b.follower.memberId });
    b.paused = false;
    await world.run(2000);
    expect(b.follower.status()).toMatchObject({ state: 'serving', freshness: 'fresh' });
    expect(world.record.members.size).toBe(2);
  });
});

describe('ANSWER', () => {
  it('B8 with the record away: fresh, then stale, then 503, and fresh again when it is back', async () => {
    const world = new Simulation(9);
    const node = await one(world);
    const token = tokenOf(world);
    world.faults.recordDown = true;
    await world.run(LEASE_MS + 20);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'pass', freshness: 'stale' });
    await world.run(TOLERANCE_MS);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'unavailable' });
    world.faults.recordDown = false;
    const before = world.nowMs;
    await world.until(node.follower.awaitProof(2000));
    expect(world.nowMs - before).toBeLessThan(2000);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'pass', freshness: 'fresh' });
  });

  it('B8 a known gap forbids tolerance, and cuts the connections with it', async () => {
    const world = new Simulation(10);
    const [a, b] = (await joined(world, 2)) as [SimulatedNode, SimulatedNode];
    const token = tokenOf(world, 'u2', 's2');
    const connection = connectionOf(token);
    b.follower.connect(connection);
    b.cutOff = true;
    await world.run(LEASE_MS + 50);
    expect(b.follower.judgeNow(token)).toEqual({ kind: 'pass', freshness: 'stale' });
    expect(connection.killed).toEqual([]);
    // The first of two entries never reaches it; the second does, through the hub.
    commit(world);
    a.follower.committed([commit(world)]);
    await world.run(50);
    expect(b.follower.judgeNow(token)).toEqual({ kind: 'unavailable' });
    expect(connection.killed).toEqual(['unavailable']);
    b.cutOff = false;
    await world.run(1000);
    expect(b.follower.judgeNow(token)).toEqual({ kind: 'pass', freshness: 'fresh' });
  });

  it('a pass allocates nothing: every judgement is one of six frozen objects', async () => {
    const world = new Simulation(11);
    const node = await one(world);
    const first = node.follower.judgeNow(tokenOf(world));
    expect(node.follower.judgeNow(tokenOf(world, 'u9', 's9'))).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
  });

  it('a token of a generation that nobody knows is neither passed nor refused for good', async () => {
    const world = new Simulation(12);
    const node = await one(world);
    expect(node.follower.judgeNow({ ...tokenOf(world), generation: 'never' })).toEqual({
      kind: 'unknown_generation',
    });
  });

  it('FRESH: knows everything committed before the call, and refuses when the record is away', async () => {
    const world = new Simulation(13);
    const node = await one(world);
    const token = tokenOf(world);
    commit(world);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'pass', freshness: 'fresh' });
    await world.until(node.follower.proveNow());
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'revoked' });
    world.faults.recordDown = true;
    const failure = node.follower.proveNow().catch((error: unknown) => error);
    expect(await world.until(failure)).toMatchObject({
      code: 'store_unavailable',
      retryAfterSeconds: 1,
    });
  });

  it('HEARTBEAT: one is in flight at a time, and those who wait share it', async () => {
    const world = new Simulation(14);
    const node = await one(world);
    const before = world.record.carried.get('heartbeat') ?? 0;
    const proofs = Array.from({ length: 200 }, () => node.follower.proveNow());
    await world.until(Promise.all(proofs));
    expect((world.record.carried.get('heartbeat') ?? 0) - before).toBeLessThanOrEqual(2);
  });

  it('HEARTBEAT: a record that fails at once is not asked more often than one that works', async () => {
    const world = new Simulation(15);
    const node = await one(world);
    world.faults.recordDown = true;
    const before = node.events.length;
    for (let step = 0; step < 300; step += 1) {
      void node.follower.awaitProof(250);
      await world.run(10);
    }
    const failures = node.events.slice(before).filter((event) => event.kind === 'failed');
    expect(failures.length).toBeLessThanOrEqual(3000 / (LEASE_MS / 3) + 1);
  });
});

describe('FOLLOW', () => {
  it('B3 B9 an entry that nobody announced is known within a lease', async () => {
    const world = new Simulation(16);
    const node = await one(world);
    const token = tokenOf(world);
    commit(world);
    await world.run(LEASE_MS);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'revoked' });
  });

  it('B9 a long way behind is caught up in pages, without a snapshot', async () => {
    const world = new Simulation(17);
    const node = await one(world);
    const snapshots = world.record.carried.get('snapshot');
    for (let count = 0; count < 3500; count += 1) commit(world, `u${count}`);
    await world.run(1000);
    expect(node.follower.status()).toMatchObject({ applied: 3500, head: 3500, viewEntries: 3500 });
    expect(world.record.carried.get('snapshot')).toBe(snapshots);
  });

  it('B9 what the record no longer keeps makes a fetch a snapshot, and the connections go', async () => {
    const world = new Simulation(18);
    const node = await one(world);
    const token = tokenOf(world, 'u9', 's9');
    const connection = connectionOf(token);
    node.follower.connect(connection);
    node.cutOff = true;
    for (let count = 0; count < 20; count += 1) commit(world);
    world.record.trim(15);
    node.cutOff = false;
    await world.run(1000);
    expect(node.follower.status()).toMatchObject({
      applied: 20,
      viewEntries: 5,
      freshness: 'fresh',
    });
    expect(connection.killed).toEqual(['unavailable']);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'superseded' });
  });

  it('UPGRADE: an entry of an unknown scope ends answering with the lease', async () => {
    const world = new Simulation(19);
    const node = await one(world);
    const token = tokenOf(world, 'u9', 's9');
    world.record.append({ ...userFloor(), scope: 'region' });
    await world.run(LEASE_MS * 3);
    expect(node.events).toContainEqual({ kind: 'unknown_scope', position: 1, scope: 'region' });
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'unavailable' });
  });
});

describe('BARRIER', () => {
  it('B3 B7 one node: everywhere at once, by one statement', async () => {
    const world = new Simulation(20);
    const node = await one(world);
    const entry = commit(world);
    node.follower.committed([entry]);
    const result = await world.until(node.follower.barrier(entry, 2000));
    expect(result).toMatchObject({
      effective: 'everywhere',
      members: 1,
      acknowledged: 1,
      deadlineMs: null,
    });
    expect(world.record.carried.get('listForBarrier')).toBe(1);
  });

  it('B3 three nodes: everywhere through the hub, in a few ways there and back', async () => {
    const world = new Simulation(21);
    const [a] = (await joined(world, 3)) as [SimulatedNode];
    const entry = commit(world);
    a.follower.committed([entry]);
    const result = await world.until(a.follower.barrier(entry, 2000));
    expect(result).toMatchObject({ effective: 'everywhere', members: 3, acknowledged: 3 });
    expect(result?.waitedMs).toBeLessThan(LEASE_MS / 3);
  });

  it('B3 without a hub: everywhere by the rows, within two heartbeats and a list', async () => {
    const world = new Simulation(22);
    const [a] = (await joined(world, 3)) as [SimulatedNode];
    world.faults.hubWorks = false;
    const entry = commit(world);
    a.follower.committed([entry]);
    const result = await world.until(a.follower.barrier(entry, 2000));
    expect(result).toMatchObject({ effective: 'everywhere', members: 3 });
    expect(result?.waitedMs).toBeLessThan(LEASE_MS);
  });

  it('B3 B4 a member that is cut off: pending with a deadline, then everywhere by the end of its term', async () => {
    const world = new Simulation(23);
    const [a, b] = (await joined(world, 2)) as [SimulatedNode, SimulatedNode];
    const token = tokenOf(world);
    b.cutOff = true;
    world.faults.hubWorks = false;
    const entry = commit(world);
    a.follower.committed([entry]);
    const first = await world.until(a.follower.barrier(entry, 500));
    expect(first).toMatchObject({ effective: 'pending', members: 2, acknowledged: 1 });
    expect(b.follower.judgeNow(token)).toEqual({ kind: 'pass', freshness: 'stale' });
    const deadlineMs = first?.deadlineMs ?? 0;
    expect(deadlineMs - world.nowMs).toBeGreaterThan(TOLERANCE_MS - 1000);
    const second = await world.until(a.follower.barrier(entry, 10_000));
    expect(second).toMatchObject({ effective: 'everywhere', members: 2, acknowledged: 2 });
    // It counts from the commit, not from when it was asked again.
    expect(world.nowMs).toBeLessThanOrEqual(deadlineMs + LEASE_MS);
    expect(b.follower.judgeNow(token).kind).not.toBe('pass');
  });

  it('B3 with the record away nothing is everywhere, and the deadline is that of the longest term', async () => {
    const world = new Simulation(24);
    const node = await one(world);
    const entry = commit(world);
    node.follower.committed([entry]);
    world.faults.recordDown = true;
    const result = await world.until(node.follower.barrier(entry, 1000));
    expect(result).toMatchObject({ effective: 'pending', members: 0 });
    expect((result?.deadlineMs ?? 0) - world.nowMs).toBeGreaterThanOrEqual(MAX_TERM_MS);
  });

  it('waiting for nothing answers at once', async () => {
    const world = new Simulation(25);
    const node = await one(world);
    const entry = commit(world);
    node.follower.committed([entry]);
    const before = world.nowMs;
    // Nobody has asked yet who the members are.
    expect(await world.until(node.follower.barrier(entry, 0))).toMatchObject({
      ...{ effective: 'pending', members: 0, acknowledged: 0 },
    });
    expect(world.nowMs - before).toBeLessThan(20);
    await world.run(100);
    const next = commit(world);
    expect(await world.until(node.follower.barrier(next, 0))).toMatchObject({
      ...{ effective: 'pending', members: 1, acknowledged: 0 },
    });
    node.follower.committed([next]);
    expect(await world.until(node.follower.barrier(next, 0))).toMatchObject({
      ...{ effective: 'pending', members: 1, acknowledged: 1 },
    });
  });

  it('a thousand barriers share the lists of members', async () => {
    const world = new Simulation(26);
    const [a] = (await joined(world, 2)) as [SimulatedNode];
    const entries = Array.from({ length: 1000 }, () => commit(world));
    a.follower.committed(entries);
    const results = await world.until(
      Promise.all(entries.map((entry) => a.follower.barrier(entry, 2000))),
    );
    expect(results?.every((result: BarrierResult) => result.effective === 'everywhere')).toBe(true);
    expect(world.record.carried.get('listForBarrier')).toBeLessThan(6);
  });
});

describe('GENERATION and LINEAGE', () => {
  it('B4 a restart of the record costs nobody anything: tokens stay good, connections open', async () => {
    const world = new Simulation(27);
    const nodes = await joined(world, 2);
    const token = tokenOf(world, 'u2', 's2');
    const connections = nodes.map((node) => {
      const connection = connectionOf(token);
      node.follower.connect(connection);
      return connection;
    });
    commit(world);
    await world.run(500);
    world.record.restart();
    for (let step = 0; step < 200; step += 1) {
      await world.run(10);
      for (const node of nodes) expect(node.follower.judgeNow(token).kind).toBe('pass');
    }
    const { generation } = world.record.head;
    expect(generation).not.toBe('g0');
    for (const node of nodes) {
      expect(node.follower.status()).toMatchObject({ generation, applied: 1, freshness: 'fresh' });
    }
    expect(connections.map((connection) => connection.killed)).toEqual([[], []]);
    expect(world.record.lineage).toHaveLength(2);
  });

  it('GENERATION: whoever is told of a changed identity begins one, and only one comes of it', async () => {
    const world = new Simulation(28);
    const [a, b] = (await joined(world, 2)) as [SimulatedNode, SimulatedNode];
    world.record.restart();
    const { head } = world.record;
    await world.until(
      Promise.all([a.follower.identityChanged(head), b.follower.identityChanged(head)]),
    );
    expect(world.record.lineage).toHaveLength(2);
    expect(a.follower.status().generation).toBe(world.record.head.generation);
  });

  it('LINEAGE HAND IN: a node that holds lost entries stops, cuts its connections, reports them by name, hands them in, and starts from the record', async () => {
    const world = new Simulation(29);
    const node = await one(world);
    const early = tokenOf(world, 'u2', 's2');
    commit(world, 'u8');
    const lost = [commit(world), commit(world)];
    const late = tokenOf(world, 'u3', 's3');
    await world.run(500);
    const connection = connectionOf(early);
    node.follower.connect(connection);
    world.record.restart(2);
    await world.run(1000);
    expect(node.events).toContainEqual({ kind: 'entries_lost', generation: 'g0', entries: lost });
    expect(connection.killed).toEqual(['unavailable']);
    const { generation } = world.record.head;
    expect(node.follower.status()).toMatchObject({ applied: 3, freshness: 'fresh', generation });
    expect(world.record.entries.slice(1)).toEqual(lost.map((entry) => ({ ...entry, generation })));
    expect(node.follower.judgeNow(early)).toEqual({ kind: 'pass', freshness: 'fresh' });
    expect(node.follower.judgeNow({ ...early, uid: 'u1' })).toEqual({ kind: 'revoked' });
    expect(node.follower.judgeNow(late)).toEqual({ kind: 'superseded' });
  });

  it('GENERATION: a log that ends below what was applied is another history, whatever its identity says', async () => {
    const world = new Simulation(30);
    const node = await one(world);
    commit(world);
    commit(world);
    await world.run(500);
    world.record.rewind(1);
    await world.run(1000);
    expect(world.record.lineage[0]).toMatchObject({ parent: 'g0', parentEnd: 1 });
    expect(kindsOf(node)).toContain('entries_lost');
    expect(node.follower.status()).toMatchObject({ applied: 2, freshness: 'fresh' });
  });

  it('B9 a lost entry is not put back by a late announcement of it', async () => {
    const world = new Simulation(31);
    const [a, b] = (await joined(world, 2)) as [SimulatedNode, SimulatedNode];
    world.record.restart();
    await world.run(1000);
    const applied = b.follower.status().applied;
    a.follower.committed([{ ...userFloor(), generation: 'g0', position: applied + 1 }]);
    await world.run(500);
    expect(b.follower.status()).toMatchObject({ applied, freshness: 'fresh' });
    expect(b.follower.judgeNow(tokenOf(world))).toEqual({ kind: 'pass', freshness: 'fresh' });
  });

  it('FIRST TERM: a member whose row was lost may still answer, so nothing is everywhere until it cannot', async () => {
    const world = new Simulation(32);
    const [a, b] = (await joined(world, 2, { leaseMs: LEASE_MS, toleranceMs: 20_000 })) as [
      SimulatedNode,
      SimulatedNode,
    ];
    const token = tokenOf(world);
    b.cutOff = true;
    world.record.members.delete(b.follower.memberId);
    world.record.restart();
    await world.run(500);
    const seenMs = world.nowMs - 500;
    const entry = commit(world);
    // The announcement does not reach it either.
    world.faults.hubWorks = false;
    a.follower.committed([entry]);
    let result: BarrierResult | undefined;
    void a.follower.barrier(entry, 60_000).then((reached) => {
      result = reached;
    });
    let passed = 0;
    while (result === undefined && world.nowMs < seenMs + 60_000) {
      if (b.follower.judgeNow(token).kind === 'pass') passed += 1;
      await world.run(50);
    }
    expect(passed).toBeGreaterThan(0);
    expect(result).toMatchObject({ effective: 'everywhere', members: 1 });
    expect(world.nowMs - seenMs).toBeGreaterThanOrEqual(MAX_TERM_MS);
    expect(b.follower.judgeNow(token).kind).not.toBe('pass');
    await world.run(1000);
    expect(world.record.lineage[0]?.settled).toBe(true);
    const second = commit(world);
    a.follower.committed([second]);
    expect(await world.until(a.follower.barrier(second, 1000))).toMatchObject({
      effective: 'everywhere',
    });
  });

  it('BARRIER: an entry that nobody holds any more is never everywhere', async () => {
    const world = new Simulation(33);
    const [a, b] = (await joined(world, 2)) as [SimulatedNode, SimulatedNode];
    b.cutOff = true;
    world.faults.hubWorks = false;
    a.cutOff = true;
    // The first of two is lost before this node could fetch it, so it has not applied the second, which is its own.
    commit(world);
    const entry = commit(world);
    a.follower.committed([entry]);
    const waiting = a.follower.barrier(entry, 50_000);
    world.record.restart(2);
    a.cutOff = false;
    expect(await world.until(waiting, 60_000)).toMatchObject({ effective: 'pending' });
    expect(kindsOf(a)).not.toContain('entries_lost');
  });
});

describe('the embedded shape', () => {
  const EXCLUSIVE = { ...OPTIONS, exclusive: true };

  it('B3 begins a generation at every start, removes all others, and is everywhere at once', async () => {
    const world = new Simulation(34);
    const before = await one(world, EXCLUSIVE);
    const token = tokenOf(world, 'u2', 's2');
    const entry = commit(world);
    before.follower.committed([entry]);
    // It is killed: its row stays behind.
    before.paused = true;
    const node = await one(world, EXCLUSIVE);
    expect([...world.record.members.keys()]).toEqual([node.follower.memberId]);
    expect(world.record.lineage).toHaveLength(3);
    expect(world.record.lineage[0]?.settled).toBe(true);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'pass', freshness: 'fresh' });
    const next = commit(world, 'u2');
    node.follower.committed([next]);
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'revoked' });
    expect(await world.until(node.follower.barrier(next, 1000))).toMatchObject({
      effective: 'everywhere',
      members: 1,
    });
    expect(await world.until(node.follower.barrier(entry, 1000))).toMatchObject({
      effective: 'everywhere',
    });
  });

  it("WALL TIME: the embedded record has no clock of its own, so this machine's counts", async () => {
    const world = new Simulation(35);
    const node = await one(world, EXCLUSIVE);
    await world.run(3000);
    expect(Math.abs(node.follower.wallNowMs() - world.nowMs)).toBeLessThan(5);
  });
});

describe('SOCKETS', () => {
  it('B12 cut before the revoking node has acknowledged, in the same block', async () => {
    const world = new Simulation(36);
    const node = await one(world);
    const hit = connectionOf(tokenOf(world));
    const other = connectionOf(tokenOf(world, 'u2', 's2'));
    const opened = node.follower.connect(hit);
    node.follower.connect(other);
    expect(opened.judgement).toEqual({ kind: 'pass', freshness: 'fresh' });
    expect(opened.check()).toEqual({ kind: 'pass', freshness: 'fresh' });
    node.follower.committed([commit(world)]);
    expect(hit.killed).toEqual(['revoked']);
    expect(other.killed).toEqual([]);
    expect(opened.check()).toEqual({ kind: 'revoked' });
    expect(node.follower.status().connections).toBe(1);
  });

  it('B12 a revoked token opens nothing', async () => {
    const world = new Simulation(37);
    const node = await one(world);
    const token = tokenOf(world);
    node.follower.committed([commit(world)]);
    const connection = connectionOf(token);
    const opened = node.follower.connect(connection);
    expect(opened.judgement).toEqual({ kind: 'revoked' });
    expect(opened.check()).toEqual({ kind: 'revoked' });
    expect(node.follower.status().connections).toBe(0);
    opened.disconnect();
  });

  it('B12 reissue cuts those with an older token, and says why', async () => {
    const world = new Simulation(38);
    const node = await one(world);
    const connection = connectionOf(tokenOf(world));
    const opened = node.follower.connect(connection);
    node.follower.committed([world.record.append({ ...userFloor(), scope: 'reissue' })]);
    expect(connection.killed).toEqual(['superseded']);
    expect(opened.check()).toEqual({ kind: 'superseded' });
  });

  it('B12 cut when the session ends, and when the lease and the tolerance have', async () => {
    const world = new Simulation(39);
    const node = await one(world);
    const ending = connectionOf(tokenOf(world), world.nowMs + 700);
    const lasting = connectionOf(tokenOf(world, 'u2', 's2'));
    const opened = node.follower.connect(ending);
    node.follower.connect(lasting);
    await world.run(600);
    expect(ending.killed).toEqual([]);
    await world.run(100 + LEASE_MS / 3 + 20);
    expect(ending.killed).toEqual(['ended']);
    expect(opened.check()).toEqual({ kind: 'revoked' });
    world.faults.recordDown = true;
    await world.run(TOLERANCE_MS - 100);
    expect(lasting.killed).toEqual([]);
    await world.run(LEASE_MS + 200);
    expect(lasting.killed).toEqual(['unavailable']);
    expect(
      node.follower.connect(connectionOf(tokenOf(world), world.nowMs - 1000)).judgement,
    ).toEqual({
      kind: 'revoked',
    });
  });

  it('B12 FORGET does not cut a connection that has seen what is forgotten; a request with its token is refreshed', async () => {
    const world = new Simulation(40);
    const node = await one(world, { leaseMs: 3000, toleranceMs: 0 });
    const token = tokenOf(world, 'u2', 's2');
    const connection = connectionOf(token);
    const opened = node.follower.connect(connection);
    node.follower.committed([commit(world)]);
    await world.run(MAX_ACCESS_TTL_MS + FORGET_MARGIN_MS + 5000);
    expect(node.follower.status()).toMatchObject({ applied: 1, viewEntries: 0 });
    expect(node.follower.judgeNow(token)).toEqual({ kind: 'superseded' });
    expect(connection.killed).toEqual([]);
    expect(opened.check()).toEqual({ kind: 'pass', freshness: 'fresh' });
  });

  it('disconnecting unregisters', async () => {
    const world = new Simulation(41);
    const node = await one(world);
    const connection = connectionOf(tokenOf(world));
    const opened = node.follower.connect(connection);
    opened.disconnect();
    opened.disconnect();
    node.follower.committed([commit(world)]);
    expect(connection.killed).toEqual([]);
    expect(opened.check().kind).not.toBe('pass');
  });
});

describe('RECONCILE', () => {
  const SLOW = { leaseMs: 3000, toleranceMs: 0 };

  it('B9 a periodic comparison with the record finds what slipped through, and mends it', async () => {
    const world = new Simulation(42);
    const node = await one(world, SLOW);
    for (let count = 0; count < 50; count += 1) commit(world, `u${count}`);
    const token = tokenOf(world, 'u70', 's70');
    await world.run(65_000);
    expect(kindsOf(node)).not.toContain('view_differed');
    for (let count = 50; count < 60; count += 1) commit(world, `u${count}`);
    await world.run(5000);
    const stale = { ...token, epoch: 50, tokenEpoch: 50 };
    expect(node.follower.judgeNow(stale).kind).toBe('pass');
    // What the node took for a revocation of somebody else was one of this user.
    world.record.corrupt(55, { uid: 'u70' });
    await world.run(65_000);
    expect(node.events).toContainEqual({ kind: 'view_differed', from: 1, to: 60 });
    expect(node.follower.judgeNow(stale)).toEqual({ kind: 'revoked' });
    expect(node.follower.status()).toMatchObject({ freshness: 'fresh', applied: 60 });
  });

  it('B9 the whole log is compared once an hour: it finds what the digests have passed over', async () => {
    const world = new Simulation(43);
    const node = await one(world, { leaseMs: 20_000, toleranceMs: 0 });
    await world.run(50 * 60_000);
    commit(world, 'u1');
    await world.run(3 * 60_000);
    world.record.corrupt(1, { uid: 'u2' });
    await world.run(4 * 60_000);
    expect(kindsOf(node)).not.toContain('view_differed');
    await world.run(5 * 60_000);
    expect(node.events).toContainEqual({ kind: 'view_differed', from: 1, to: 1 });
    expect(node.follower.status()).toMatchObject({ freshness: 'fresh', applied: 1 });
  });
});

describe('B8 an observer that throws', () => {
  it('does not disturb the protocol', async () => {
    const world = new Simulation(44);
    const node = await one(world, {
      ...OPTIONS,
      onEvent: () => {
        throw new Error('the log is full');
      },
    });
    await world.run(1000);
    expect(node.follower.freshnessNow()).toBe('fresh');
  });
});
