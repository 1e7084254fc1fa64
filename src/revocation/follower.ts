import { Barriers } from './barriers.ts';
import type { Registration } from './connections.ts';
import { FRESH_WAIT_MS } from './constants.ts';
import type { Connection, Follower, FollowerStatus, Judgement } from './contract.ts';
import { Following } from './following.ts';
import { Generations } from './generations.ts';
import { HeartbeatLoop } from './heartbeat.ts';
import { Housekeeping } from './housekeeping.ts';
import { Joining } from './joining.ts';
import { Node, PASS_FRESH, PASS_STALE, REVOKED, SUPERSEDED, UNAVAILABLE } from './node.ts';
import { type FollowerOptions, followerSettings } from './options.ts';
import { Reconciling } from './reconciling.ts';

/**
 * Makes the follower of one node: the protocol of docs/protocol.md, driven with a record, a hub and a clock. The embedded
 * shape (`exclusive`) and a node of a cluster run the same code. Nothing happens before `join()`.
 *
 * @throws SekishoError `invalid_configuration` when lease and tolerance are out of bounds.
 */
export function createFollower(options: FollowerOptions): Follower {
  const settings = followerSettings(options);
  const node = new Node(settings, {
    fetch: () => following.request(),
    meet: () => generations.nudge(null),
    begin: (head, force) => generations.nudge({ head, force }),
    beat: () => heartbeat.now(),
    removed,
    confirmed: (generation, sentMs) => barriers.confirmed(generation, sentMs),
    advanced: () => barriers.advanced(),
    entered: () => {
      housekeeping.entered();
      reconciling.entered();
      barriers.entered();
    },
  });
  const heartbeat = new HeartbeatLoop(node);
  const generations = new Generations(node);
  const following = new Following(node);
  const barriers = new Barriers(node);
  const reconciling = new Reconciling(node, generations);
  const housekeeping = new Housekeeping(node, reconciling);
  const joining = new Joining(node, generations, heartbeat);
  const subscriptions: (() => void)[] = [];

  /** MEMBERS: the row is gone. The node stops answering and joins again under a new id; it keeps its view. */
  function removed(memberId: string): void {
    if (memberId !== node.memberId || node.phase === 'left') return;
    const served = node.phase === 'serving';
    node.phase = 'joining';
    heartbeat.stop();
    node.lease.clear();
    node.killAll('unavailable');
    node.emit({ kind: 'removed', memberId });
    node.waiters.close();
    if (served) void joining.rejoin().then(() => barriers.resume());
  }

  function check(registration: Registration): Judgement {
    const { connections } = node;
    if (registration.live) {
      if (node.wallNowMs() >= registration.connection.endsAtMs)
        connections.kill(registration, 'ended');
      else {
        const freshness = node.freshnessNow();
        if (freshness !== 'unavailable') return freshness === 'fresh' ? PASS_FRESH : PASS_STALE;
        node.sweep();
      }
    }
    if (registration.killed === 'revoked' || registration.killed === 'ended') return REVOKED;
    return registration.killed === 'superseded' ? SUPERSEDED : UNAVAILABLE;
  }

  return {
    get memberId() {
      return node.memberId;
    },
    get version() {
      return node.view.version;
    },

    async join() {
      if (subscriptions.length === 0) {
        subscriptions.push(
          settings.hub.onAnnouncement((entry) => node.take([entry], 'hub')),
          settings.hub.onHead((head) => node.learn(head)),
          settings.hub.onAcknowledgement((acknowledgement) =>
            barriers.acknowledged(acknowledgement),
          ),
        );
      }
      await joining.join();
      housekeeping.start();
    },

    async leave() {
      if (node.phase === 'left') return;
      node.phase = 'left';
      heartbeat.stop();
      housekeeping.stop();
      for (const unsubscribe of subscriptions) unsubscribe();
      node.killAll('unavailable');
      node.waiters.close();
      barriers.close();
      // The row goes after the last answer.
      try {
        if (node.memberId !== '') await settings.members.leave(node.memberId);
      } catch (error) {
        node.failed('MEMBERS', error);
      }
      node.emit({ kind: 'left', memberId: node.memberId });
    },

    judgeNow: (facts) => node.judgeNow(facts),
    freshnessNow: () => node.freshnessNow(),

    awaitProof(maxMs) {
      const proof = node.waiters.next(maxMs);
      heartbeat.now();
      return proof;
    },

    proveNow() {
      const proof = node.waiters.newerThan(node.clock.monotonicMs(), FRESH_WAIT_MS);
      heartbeat.now();
      return proof;
    },

    committed(entries) {
      node.take(entries, 'own');
      for (const entry of entries) settings.hub.announce(entry);
    },

    identityChanged: (head) => generations.begin(head, false),
    barrier: (entry, waitMs) => barriers.wait(entry, waitMs),

    connect(connection: Connection) {
      const judgement =
        node.wallNowMs() >= connection.endsAtMs ? REVOKED : node.judgeNow(connection.facts);
      if (judgement.kind !== 'pass')
        return { judgement, check: () => judgement, disconnect: () => {} };
      const registration = node.connections.add(connection);
      return {
        judgement,
        check: () => check(registration),
        disconnect: () => node.connections.remove(registration),
      };
    },

    wallNowMs: () => node.wallNowMs(),
    status: () => statusOf(node),
  };
}

function statusOf(node: Node): FollowerStatus {
  const { settings, view, lease, connections } = node;
  return {
    state: node.phase,
    memberId: node.memberId,
    generation: view.generation === '' ? null : view.generation,
    applied: view.applied,
    head: Math.max(node.headSeen, view.applied),
    freshness: node.freshnessNow(),
    leaseMs: settings.leaseMs,
    toleranceMs: settings.toleranceMs,
    leaseLeftMs: lease.leftMs(node.clock.monotonicMs()),
    lastHeartbeatMs: node.lastHeartbeatMs,
    unknownScope: view.unknownScope,
    viewEntries: view.size,
    connections: connections.size,
    hub: { kind: settings.hub.kind, working: settings.hub.working() },
  };
}
