/** Where a load sends what it sends: to the nodes, or to what stands in front of them, and not too much to one at once. */
import { createHttp } from './http.mjs';

/** @typedef {import('./cluster.mjs').Cluster} Cluster */
/** @typedef {{ name: string, url: string }} Target a node, or what stands in front of all of them */
/** @typedef {{ readonly entrance?: string, readonly maxInFlight: number, readonly timeoutMs: number }} TargetOptions as in `LoadOptions` */

export class Targets {
  #cluster;
  #options;
  #random;
  #history;
  #http;
  /** @type {Map<string, number>} */
  #inFlight = new Map();
  /** @type {Set<Promise<unknown>>} */
  #running = new Set();

  /**
   * @param {Cluster} cluster
   * @param {TargetOptions} options
   * @param {import('./random.mjs').Random} random
   * @param {import('./history.mjs').History} history
   */
  constructor(cluster, options, random, history) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = random;
    this.#history = history;
    // A load balancer that is given other nodes closes connections that are idle at that moment. Browsers then send
    // once more; a load counts what is not served, so it keeps none.
    this.#http = options.entrance === undefined ? cluster.http : createHttp({ keepAlive: false });
  }

  /** @param {Target} target @param {string} path @param {import('./http.mjs').CallOptions} call */
  call(target, path, call) {
    const { timeoutMs } = this.#options;
    return this.#http.call(`${target.url}${path}`, { timeoutMs, ...call });
  }

  /** @template T @param {Target} target @param {() => Promise<T>} run @returns {Promise<T>} */
  send(target, run) {
    this.#inFlight.set(target.name, (this.#inFlight.get(target.name) ?? 0) + 1);
    const sent = run().finally(() => {
      this.#inFlight.set(target.name, (this.#inFlight.get(target.name) ?? 1) - 1);
      this.#running.delete(sent);
    });
    this.#running.add(sent);
    return sent;
  }

  /** @returns {readonly Target[]} */
  all() {
    const { entrance } = this.#options;
    if (entrance !== undefined) return [{ name: 'entrance', url: entrance }];
    return this.#cluster.nodes.filter(({ accepting }) => accepting);
  }

  /** Any one that has not too much to answer already. @returns {Target | undefined} */
  any() {
    const { maxInFlight } = this.#options;
    const free = this.all().filter(({ name }) => (this.#inFlight.get(name) ?? 0) < maxInFlight);
    if (free.length === 0) this.#history.skipped += 1;
    return this.#random.pick(free);
  }

  /** When whatever was sent has been answered, and what was sent because of that. */
  async settled() {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
