/** The revoking calls of a load. What a call leaves pending or unknown is asked after until it is known. */
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {import('./cluster.mjs').Cluster} Cluster */
/** @typedef {import('./device.mjs').Device} Device */
/** @typedef {import('./history.mjs').RevocationFact} RevocationFact */
/** @typedef {import('./people.mjs').Person} Person */
/** @typedef {import('./people.mjs').Administrator} Administrator */
/** @typedef {import('./node.mjs').ClusterNode} ClusterNode */

/**
 * @typedef {object} RevokeOptions
 * @property {ClusterNode} [node] that is asked; default: any one that runs
 * @property {number} [waitMs] how long the call waits; default the load's, or the route's own
 * @property {string} [operationKey] `Idempotency-Key`
 * @property {Administrator} [administrator] of the person's tenant; default the first tenant's
 */

const askEveryMs = 250;
/** Longer than any term, and than the first term of a generation. */
const askForMs = 90_000;

export class Revoker {
  #cluster;
  #load;
  #waitMs;
  /** @type {Set<Promise<unknown>>} */
  #asking = new Set();
  /** Calls that have not been answered yet. @type {Set<Promise<unknown>>} */
  #calls = new Set();
  #stopped = false;

  /** @param {Cluster} cluster @param {import('./load.mjs').Load} load @param {number} [waitMs] */
  constructor(cluster, load, waitMs) {
    this.#cluster = cluster;
    this.#load = load;
    this.#waitMs = waitMs;
  }

  /** Ends all sessions of a person. @param {Person} person @param {RevokeOptions} [options] */
  user(person, options = {}) {
    const { tid, uid } = person;
    return this.#revoke({ scope: 'user', tid, uid }, `/v1/admin/users/${uid}/revoke`, options);
  }

  /** Ends one session. @param {Device} device @param {RevokeOptions} [options] */
  session({ session }, options = {}) {
    const { tid, sid } = session;
    return this.#revoke(
      { scope: 'session', tid, sid },
      `/v1/admin/sessions/${sid}/revoke`,
      options,
    );
  }

  /** Ends all sessions of a tenant but the administrator's own. @param {RevokeOptions} [options] */
  tenant(options = {}) {
    const { person, sid } = options.administrator ?? this.#cluster.administrator;
    const subject = { scope: /** @type {const} */ ('tenant'), tid: person.tid, sparedSid: sid };
    return this.#revoke(subject, '/v1/admin/revoke-all', options);
  }

  /** A device logs itself out. @param {Device} device @param {ClusterNode} [node] */
  async logout(device, node = this.#anyNode()) {
    if (node === undefined) return null;
    const { tid, sid } = device.session;
    const { history } = this.#load;
    const revocation = history.revocation({ scope: 'session', node: node.name, tid, sid });
    this.#load.condemn(device);
    const token = device.newest.access;
    const call = { method: 'POST', token };
    const reply = await this.#noted(this.#cluster.http.call(`${node.url}/v1/logout`, call));
    history.answered(revocation, reply);
    this.#afterwards(revocation, [device], this.#cluster.administrator);
    return revocation;
  }

  /** When every call so far has been answered, whatever was answered. */
  async answered() {
    await Promise.allSettled(this.#calls);
  }

  /** Asks no more, and resolves when what was being asked has been answered or given up. */
  async settled() {
    const askers = [...this.#asking];
    const late = setTimeout(() => {
      this.#stopped = true;
    }, askForMs);
    await Promise.all(askers);
    clearTimeout(late);
  }

  /**
   * @param {Pick<RevocationFact, 'scope'> & Partial<RevocationFact>} subject
   * @param {string} path
   * @param {RevokeOptions} options
   * @returns {Promise<RevocationFact>}
   */
  async #revoke(subject, path, options) {
    const { node = this.#anyNode(), waitMs = this.#waitMs, operationKey } = options;
    const { administrator = this.#cluster.administrator } = options;
    if (node === undefined) throw new Error('no node accepts calls');
    const { history } = this.#load;
    const revocation = history.revocation({ ...subject, node: node.name });
    const hit = this.#load.devices.filter(({ session, state }) => {
      if (state !== 'live' || session.sid === subject.sparedSid) return false;
      if (session.tid !== subject.tid) return false;
      if (subject.scope === 'user') return session.uid === subject.uid;
      return subject.scope === 'tenant' || session.sid === subject.sid;
    });
    for (const device of hit) this.#load.condemn(device);
    const call = administrator.call(path, {
      node,
      method: 'POST',
      body: waitMs === undefined ? {} : { wait_ms: waitMs },
      ...(operationKey === undefined ? {} : { headers: { 'idempotency-key': operationKey } }),
    });
    const reply = await this.#noted(call);
    history.answered(revocation, reply);
    this.#afterwards(revocation, hit, administrator);
    return revocation;
  }

  /**
   * The moment after `everywhere` is when every node is tried; anything else is asked after first.
   * @param {RevocationFact} revocation
   * @param {readonly Device[]} hit
   * @param {Administrator} administrator
   */
  #afterwards(revocation, hit, administrator) {
    const asking = this.#ask(revocation, administrator).then(async () => {
      if (revocation.outcome === 'refused') this.#load.spare(hit);
      if (revocation.outcome === 'everywhere') await this.#load.tryEverywhere(hit);
    });
    this.#asking.add(asking);
    void asking.finally(() => this.#asking.delete(asking));
  }

  /** @param {RevocationFact} revocation @param {Administrator} administrator */
  async #ask(revocation, administrator) {
    const deadline = performance.now() + askForMs;
    const { history } = this.#load;
    while (revocation.outcome === 'pending' || revocation.outcome === 'unknown') {
      if (revocation.id === null || this.#stopped || performance.now() > deadline) return;
      await sleep(askEveryMs);
      const node = this.#anyNode();
      if (node === undefined) continue;
      try {
        const path = `/v1/admin/revocations/${revocation.id}`;
        history.answered(revocation, await administrator.call(path, { node }));
      } catch {
        // The administrator could not log in: asked again.
      }
    }
  }

  /** @template T @param {Promise<T>} call @returns {Promise<T>} */
  async #noted(call) {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  #anyNode() {
    const running = this.#cluster.nodes.filter(({ accepting }) => accepting);
    return running[Math.floor(Math.random() * running.length)];
  }
}
