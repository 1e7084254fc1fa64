/**
 * Continuous, bounded load over all nodes of a cluster, as real clients make it: they authenticate, refresh, log in and out,
 * hold sockets, and go on using tokens that were revoked. All of it is recorded in a history for the checker.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Device } from './device.mjs';
import { History } from './history.mjs';
import { createRandom } from './random.mjs';
import { Revoker } from './revoker.mjs';
import { Rhythm } from './rhythm.mjs';
import { LoadSocket } from './sockets.mjs';
import { Targets } from './targets.mjs';

/** @typedef {import('./cluster.mjs').Cluster} Cluster */
/** @typedef {import('./people.mjs').Person} Person */
/** @typedef {import('./device.mjs').Token} Token */
/** @typedef {import('./targets.mjs').Target} Target */

/**
 * @typedef {object} LoadOptions
 * @property {number} [seed] default: a new one; `load.seed` tells it
 * @property {number} [checksPerSecond] `/v1/authenticate`, and now and then `/v1/session`, with valid and with revoked
 *   tokens; default 60
 * @property {number} [refreshesPerSecond] default 4
 * @property {number} [loginsPerSecond] at most; default 1. A person with enough devices logs the oldest one out
 * @property {number} [devicesPerPerson] default 2
 * @property {number} [sockets] kept open; default 4
 * @property {number} [maxInFlight] to one node; beyond, requests are skipped and counted. Default 24
 * @property {string} [entrance] origin of a load balancer that all requests go to; default: the nodes themselves
 * @property {number} [waitMs] how long revoking calls wait, 0 to 30,000; default the route's own, 2000
 * @property {boolean} [bursts] whether every node is tried with all revoked tokens at the moment a call says `everywhere`;
 *   default true
 * @property {number} [timeoutMs] of a request; default 20,000
 */

/** Devices whose tokens were revoked that are kept and tried. */
const keptRevoked = 40;
/** Between two tries of a refresh that was not answered with tokens. */
const retryMs = 250;
const settleMs = 10_000;

/** @param {Cluster} cluster @param {LoadOptions} [options] @returns {Promise<Load>} everybody is logged in */
export async function startLoad(cluster, options = {}) {
  const load = new Load(cluster, options);
  await load.begin();
  return load;
}

export class Load {
  history = new History();
  /** Revokes, and asks again until it is everywhere. */
  revoker;
  /** @type {Device[]} */
  devices = [];
  seed;
  #cluster;
  #targets;
  #options;
  #random;
  /** @type {LoadSocket[]} */
  sockets = [];
  /** Ended ones, the newest last. @type {Device[]} */
  revoked = [];
  #rhythm;

  /** @param {Cluster} cluster @param {LoadOptions} options */
  constructor(cluster, options) {
    this.#cluster = cluster;
    this.#options = {
      ...{ checksPerSecond: 60, refreshesPerSecond: 4, loginsPerSecond: 1, devicesPerPerson: 2 },
      ...{ sockets: 4, maxInFlight: 24, timeoutMs: 20_000, bursts: true },
      ...options,
    };
    this.seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
    this.#random = createRandom(this.seed);
    this.#targets = new Targets(cluster, this.#options, this.#random, this.history);
    this.revoker = new Revoker(cluster, this, options.waitMs);
    this.#rhythm = new Rhythm(this, this.#options, this.#random);
  }

  /** Logs everybody in, then goes on by itself. */
  async begin() {
    for (const person of this.#cluster.people) {
      for (let index = 0; index < this.#options.devicesPerPerson; index += 1) {
        await this.arrive(person);
      }
    }
    if (this.devices.length === 0) throw new Error('nobody could log in');
    this.#rhythm.begin();
  }

  /** Sends nothing new until `continue`. */
  pause() {
    this.#rhythm.pause();
  }

  /** `pause`, and resolves when all that was sent has been answered: what a node does from then on is not for the load. */
  async quiet() {
    this.pause();
    await this.#targets.settled();
    await this.revoker.answered();
  }

  continue() {
    this.#rhythm.continue();
  }

  /** Ends it: what is on its way is awaited, sockets of ended sessions are given time to be closed by their nodes. */
  async stop() {
    this.#rhythm.end();
    await this.revoker.settled();
    await this.#targets.settled();
    const deadline = performance.now() + settleMs;
    const doomed = () => this.sockets.some(({ open, device }) => open && device.state !== 'live');
    while (doomed() && performance.now() < deadline) await sleep(20);
    this.history.endedMs = performance.now();
    for (const socket of this.sockets) if (socket.device.state === 'live') socket.close();
    const left = () => this.sockets.some(({ open, fact }) => open && fact.byClient);
    while (left() && performance.now() < deadline) await sleep(20);
  }

  /** Any one that has not too much to answer already; undefined when there is none. */
  target() {
    return this.#targets.any();
  }

  get people() {
    return this.#cluster.people;
  }

  /** Devices of a person that are logged in. @param {Person} person */
  devicesOf(person) {
    return this.devices.filter((device) => device.person === person && device.state === 'live');
  }

  /**
   * Logs a person in on a new device, at once. The load uses it like any other, and leaves it logged in.
   * @param {Person} person
   * @param {Target} [target]
   * @returns {Promise<Device | null>} null when it was not logged in
   */
  async login(person, target) {
    const device = await this.arrive(person, target);
    if (device !== null) device.kept = true;
    return device;
  }

  /**
   * Logs a person in on a device that the load logs out again in its turn.
   * @param {Person} person
   * @param {Target | undefined} [target]
   * @returns {Promise<Device | null>} null when it was not logged in
   */
  arrive(person, target = this.target()) {
    if (target === undefined) return Promise.resolve(null);
    const { tenant, email, password } = person;
    return this.#targets.send(target, async () => {
      const body = { tenant, email, password, device: 'PC' };
      const reply = await this.#targets.call(target, '/v1/login', { body });
      const device = reply.status === 200 ? new Device(person, reply, this.history) : null;
      this.#record('login', target, reply, device);
      if (device !== null) this.devices.push(device);
      return device;
    });
  }

  /**
   * Presents one token once, and records it.
   * @param {Device} device
   * @param {Target} target
   * @param {{ kind?: 'authenticate' | 'session', token?: Token, fresh?: boolean }} [how]
   */
  check(device, target, { kind = 'authenticate', token = device.newest, fresh = false } = {}) {
    return this.#targets.send(target, async () => {
      const path = `/v1/${kind}${fresh ? '?fresh=true' : ''}`;
      const reply = await this.#targets.call(target, path, { token: token.access });
      const freshness = reply.headers['x-sekisho-freshness'] ?? reply.body?.freshness ?? null;
      this.history.request({
        ...{ kind, node: target.name, beginMs: reply.beginMs, endMs: reply.endMs },
        ...{ session: device.session, token: token.fact },
        ...{
          status: reply.status,
          code: reply.code,
          freshness: freshness ? String(freshness) : null,
        },
      });
      this.#learn(device, reply);
      return reply;
    });
  }

  /** Refreshes a device's tokens once; the same refresh token is presented again until it was answered. @param {Device} device */
  refresh(device, target = this.target()) {
    if (target === undefined) return Promise.resolve(null);
    device.refreshing = true;
    return this.#targets.send(target, async () => {
      const body = { refresh_token: device.refreshToken };
      const reply = await this.#targets.call(target, '/v1/refresh', { body });
      device.refreshing = false;
      this.#record('refresh', target, reply, device);
      if (reply.status === 200) device.refreshed(reply, this.history);
      else if (reply.status === 401) this.out(device);
      else device.refreshAfterMs = performance.now() + retryMs;
      return reply;
    });
  }

  /**
   * Opens a socket of a device with a ticket; null when none was given out.
   * @param {Device} device
   * @param {Target} target where it is opened
   * @param {Target} [issuer] of the ticket
   * @returns {Promise<LoadSocket | null>} not yet open: see its `fact`
   */
  openSocket(device, target, issuer = target) {
    const token = device.newest;
    return this.#targets.send(issuer, async () => {
      const call = { method: 'POST', token: token.access };
      const reply = await this.#targets.call(issuer, '/v1/socket-ticket', call);
      this.#record('ticket', issuer, reply, device, token);
      if (reply.status === 200) {
        const socket = new LoadSocket(device, token, target, reply.body.ticket, this.history);
        this.sockets.push(socket);
        return socket;
      }
      this.#learn(device, reply);
      await sleep(retryMs);
      return null;
    });
  }

  /** A call that ends this device's session is about to be sent. @param {Device} device */
  condemn(device) {
    if (device.state !== 'live') return;
    device.state = 'condemned';
    this.revoked.push(device);
    if (this.revoked.length > keptRevoked) this.revoked.shift();
  }

  /** The device was told that its session is over. @param {Device} device */
  out(device) {
    this.condemn(device);
    device.state = 'out';
    this.devices = this.devices.filter((one) => one !== device);
  }

  /** The call did not end them after all. @param {readonly Device[]} devices */
  spare(devices) {
    for (const device of devices) if (device.state === 'condemned') device.state = 'live';
    this.revoked = this.revoked.filter(({ state }) => state !== 'live');
  }

  /** Presents tokens of these devices to every node that runs. @param {readonly Device[]} devices */
  async tryEverywhere(devices) {
    if (!this.#options.bursts) return;
    await Promise.all(
      this.#targets
        .all()
        .flatMap((target) =>
          devices.flatMap((device) =>
            device.tokens.map((token) => this.check(device, target, { token })),
          ),
        ),
    );
  }

  /**
   * @param {import('./history.mjs').RequestFact['kind']} kind
   * @param {Target} target @param {import('./http.mjs').Reply} reply
   * @param {Device | null} device @param {Token} [token]
   */
  #record(kind, target, { beginMs, endMs, status, code }, device, token) {
    this.history.request({
      ...{ kind, node: target.name, beginMs, endMs, status, code },
      ...{ session: device?.session ?? null, token: token?.fact ?? null },
    });
  }

  /** What a client makes of an answer to its access token. @param {Device} device @param {import('./http.mjs').Reply} reply */
  #learn(device, { status, code }) {
    if (status !== 401 || device.state === 'out') return;
    if (code === 'token_superseded' || code === 'token_expired') {
      if (!device.refreshing && device.state === 'live') void this.refresh(device);
    } else {
      this.out(device);
    }
  }
}
