import type { Connection, KillReason } from './contract.ts';
import { breadthOf, isForAll } from './marks.ts';
import type { Entry, Verdict } from './types.ts';

/** A registered connection. `killed` tells what became of it, once it is cut. */
export interface Registration {
  readonly connection: Connection;
  killed: KillReason | null;
  live: boolean;
}

/** Connections end in groups by the second, so that looking for ended ones costs nothing while there are none. */
const END_STEP_MS = 1000;

/**
 * SOCKETS: the connections of this node, found by what entries speak of, so that an entry touches those it hits and no
 * others. Everything is synchronous: a killed connection is unregistered, then cut, before the call returns.
 */
export class Connections {
  readonly #all = new Set<Registration>();
  readonly #bySid = new Map<string, Set<Registration>>();
  readonly #byUser = new Map<string, Set<Registration>>();
  readonly #byTenant = new Map<string, Set<Registration>>();
  readonly #byEnd = new Map<number, Set<Registration>>();
  #endsCheckedTo: number | null = null;

  get size(): number {
    return this.#all.size;
  }

  add(connection: Connection): Registration {
    const registration: Registration = { connection, killed: null, live: true };
    const { facts } = connection;
    this.#all.add(registration);
    put(this.#bySid, sidKey(facts.tid, facts.sid), registration);
    put(this.#byUser, userKey(facts.tid, facts.uid), registration);
    put(this.#byTenant, facts.tid, registration);
    const end = Math.floor(connection.endsAtMs / END_STEP_MS);
    put(this.#byEnd, end, registration);
    if (this.#endsCheckedTo !== null && end < this.#endsCheckedTo) this.#endsCheckedTo = end;
    return registration;
  }

  remove(registration: Registration): void {
    if (!registration.live) return;
    registration.live = false;
    const { facts, endsAtMs } = registration.connection;
    this.#all.delete(registration);
    take(this.#bySid, sidKey(facts.tid, facts.sid), registration);
    take(this.#byUser, userKey(facts.tid, facts.uid), registration);
    take(this.#byTenant, facts.tid, registration);
    take(this.#byEnd, Math.floor(endsAtMs / END_STEP_MS), registration);
  }

  /** Kills those that `entry`, which the view has just applied, hits; `judge` spares whom the entry spares. */
  strike(entry: Entry, judge: (connection: Connection) => Verdict): number {
    let killed = 0;
    for (const registration of this.#hitBy(entry)) {
      const verdict = judge(registration.connection);
      if (verdict === 'pass' || verdict === 'unknown_generation') continue;
      this.kill(registration, verdict);
      killed += 1;
    }
    return killed;
  }

  /** LINEAGE: kills those whose token is not of the common part of the new history. */
  rejudge(judge: (connection: Connection) => Verdict): number {
    let killed = 0;
    for (const registration of [...this.#all]) {
      const verdict = judge(registration.connection);
      if (verdict === 'pass') continue;
      this.kill(registration, verdict === 'revoked' ? 'revoked' : 'superseded');
      killed += 1;
    }
    return killed;
  }

  /** Kills those whose session has ended at `nowMs` of wall time. */
  expire(nowMs: number): number {
    const to = Math.floor(nowMs / END_STEP_MS);
    let killed = 0;
    for (const [end, group] of this.#dueGroups(to)) {
      for (const registration of [...group]) {
        if (end === to && registration.connection.endsAtMs > nowMs) continue;
        this.kill(registration, 'ended');
        killed += 1;
      }
    }
    this.#endsCheckedTo = to;
    return killed;
  }

  /** Kills all: the node may no longer answer, or its view is rebuilt. */
  killAll(why: KillReason): number {
    const killed = this.#all.size;
    for (const registration of [...this.#all]) this.kill(registration, why);
    return killed;
  }

  /** Unregisters and cuts one. What its `kill` throws is its own affair: the others must be cut all the same. */
  kill(registration: Registration, why: KillReason): void {
    if (!registration.live) return;
    this.remove(registration);
    registration.killed = why;
    try {
      registration.connection.kill(why);
    } catch {
      // The connection is out of the registry, so every frame of it is refused from now on.
    }
  }

  #hitBy(entry: Entry): Registration[] {
    if (isForAll(entry)) return [...this.#all];
    const tid = entry.tid ?? '';
    const breadth = breadthOf(entry);
    if (breadth === 'session') return [...(this.#bySid.get(sidKey(tid, entry.sid ?? '')) ?? [])];
    if (breadth === 'user') return [...(this.#byUser.get(userKey(tid, entry.uid ?? '')) ?? [])];
    return [...(this.#byTenant.get(tid) ?? [])];
  }

  /** The groups from the one that was looked at last up to `to`. */
  #dueGroups(to: number): (readonly [number, Set<Registration>])[] {
    const due: (readonly [number, Set<Registration>])[] = [];
    const from = this.#endsCheckedTo;
    if (from === null || to - from > this.#byEnd.size) {
      for (const [end, group] of this.#byEnd) if (end <= to) due.push([end, group]);
      return due;
    }
    for (let end = from; end <= to; end += 1) {
      const group = this.#byEnd.get(end);
      if (group !== undefined) due.push([end, group]);
    }
    return due;
  }
}

/** Neither id holds a space, so no two pairs share a key. */
function sidKey(tid: string, sid: string): string {
  return `${tid} ${sid}`;
}

function userKey(tid: string, uid: string): string {
  return `${tid} ${uid}`;
}

function put<Key>(index: Map<Key, Set<Registration>>, key: Key, registration: Registration): void {
  const group = index.get(key);
  if (group === undefined) index.set(key, new Set([registration]));
  else group.add(registration);
}

function take<Key>(index: Map<Key, Set<Registration>>, key: Key, registration: Registration): void {
  const group = index.get(key);
  group?.delete(registration);
  if (group?.size === 0) index.delete(key);
}
