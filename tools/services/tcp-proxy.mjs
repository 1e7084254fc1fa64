/**
 * A TCP proxy for tests, in the process of the test: between a node and Redis, or a node and
 * PostgreSQL, it is the network that delays, freezes, cuts, loses answers, and drops, doubles,
 * reorders or forges published messages. Give each node a proxy of its own to part nodes from each
 * other; `where` parts the connections of one.
 */
import { createServer } from 'node:net';
import { createConnection } from './tcp-proxy-connection.mjs';

/**
 * @typedef {object} ConnectionFacts
 * @property {number} id counted from 1 in the order of arrival
 * @property {number} clientPort
 * @property {string} name what the client calls itself: CLIENT SETNAME, application_name; '' if unknown
 *
 * @typedef {'both' | 'toServer' | 'toClient'} Direction
 *
 * @typedef {object} Mode
 * @property {'pass' | 'delay' | 'blackhole' | 'lose' | 'cut'} kind
 *   `delay`: all bytes arrive `delayMs` later, in order.
 *   `blackhole`: connections are accepted and nothing passes, not even a close; when it ends, what was held passes.
 *   `lose`: what arrives is gone; connections that lost something are reset when it ends.
 *   `cut`: connections are reset, new ones at once.
 * @property {number} [delayMs]
 * @property {number} [jitterMs] up to this much more, evenly distributed
 * @property {Direction} [direction] 'both' unless given; `cut` has none
 * @property {(connection: ConnectionFacts) => boolean} [where] all connections unless given
 *
 * @typedef {'pass' | 'drop' | 'double' | 'swap' | { delayMs: number } | { replace: Buffer }} Fate
 *   what becomes of a published message; `swap` lets the next one of its connection pass first (or one second)
 *
 * @typedef {import('./tcp-proxy-framing.mjs').Published & { connection: ConnectionFacts }} Delivery
 *
 * @typedef {object} TcpProxy
 * @property {number} port
 * @property {(url: string) => string} through the same URL, by way of the proxy
 * @property {() => ConnectionFacts[]} connections those that are open
 * @property {(mode: Mode | Mode[]) => void} setMode replaces what was set; of several, the first that fits
 *   connection and direction counts
 * @property {(where?: Mode['where']) => void} cut resets what is open now; new connections pass
 * @property {(target: { host: string, port: number }) => void} setTarget where new connections go;
 *   open ones stay where they are
 * @property {(statement: RegExp, then?: 'reset' | 'silence') => Promise<void>} loseAnswerTo the next
 *   statement (SQL text; a Redis command with its arguments) that matches gets through, the server's answer is awaited and
 *   lost, then the connection is reset, or says nothing any more. Settles when that has happened.
 * @property {(statement: RegExp) => Promise<void>} holdFrom from the next statement that matches on, it included, the mode is
 *   `blackhole`. Settles when that has happened.
 * @property {(decide: ((delivery: Delivery) => Fate) | undefined) => void} onDelivery decides about
 *   each published message on its way to a subscriber
 * @property {(published: import('./tcp-proxy-framing.mjs').Published, where?: Mode['where']) => number} forge
 *   sends a message that nobody published to every subscriber of the channel; returns to how many
 * @property {() => Record<'passed' | 'dropped' | 'doubled' | 'swapped' | 'delayed' | 'replaced' | 'forged', number>} deliveries
 * @property {() => Promise<void>} stop
 */

/**
 * @param {{
 *   target: { host: string, port: number },
 *   protocol?: 'plain' | 'resp' | 'postgres',
 *   random?: () => number,
 * }} options `protocol` is needed for what acts on whole messages and on names; `random` is for jitter
 * @returns {Promise<TcpProxy>}
 */
export async function startProxy({ target, protocol = 'plain', random = Math.random }) {
  /** @type {import('./tcp-proxy-connection.mjs').Rules} */
  const rules = {
    modes: [],
    random,
    decide: undefined,
    awaited: [],
    holding: [],
    deliveries: {
      ...{ passed: 0, dropped: 0, doubled: 0, swapped: 0, delayed: 0, replaced: 0, forged: 0 },
    },
  };
  /** @type {Map<number, import('./tcp-proxy-connection.mjs').Connection>} */
  const open = new Map();
  let accepted = 0;
  let goal = target;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted += 1;
    const id = accepted;
    const connection = createConnection({
      ...{ id, client, target: goal, protocol, rules },
      closed: () => open.delete(id),
    });
    open.set(id, connection);
    connection.settle();
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  return {
    port,
    through(url) {
      const same = new URL(url);
      same.hostname = '127.0.0.1';
      same.port = String(port);
      return same.href;
    },
    connections: () => [...open.values()].map((connection) => connection.facts()),
    setMode(mode) {
      rules.modes = Array.isArray(mode) ? mode : [mode];
      for (const connection of [...open.values()]) connection.settle();
    },
    cut(where = () => true) {
      for (const connection of [...open.values()]) {
        if (where(connection.facts())) connection.reset();
      }
    },
    setTarget(next) {
      goal = next;
    },
    loseAnswerTo: (statement, then = 'reset') =>
      new Promise((resolve) => {
        rules.awaited.push({ statement, then, done: () => resolve(undefined) });
      }),
    holdFrom: (statement) =>
      new Promise((resolve) => {
        rules.holding.push({ statement, done: () => resolve(undefined) });
      }),
    onDelivery(decide) {
      rules.decide = decide;
    },
    forge(published, where = () => true) {
      const reached = [...open.values()].filter(
        (connection) => where(connection.facts()) && connection.forge(published),
      );
      rules.deliveries.forged += reached.length;
      return reached.length;
    },
    deliveries: () => ({ ...rules.deliveries }),
    async stop() {
      for (const connection of [...open.values()]) connection.reset();
      await new Promise((resolve) => server.close(() => resolve(undefined)));
    },
  };
}

/**
 * Decides by chance, in given shares that sum up to one at most; the rest passes.
 * @param {{ drop?: number, double?: number, swap?: number, delay?: number, delayMs?: number }} shares
 * @param {() => number} random
 * @returns {(delivery: Delivery) => Fate}
 */
export function byChance({ drop = 0, double = 0, swap = 0, delay = 0, delayMs = 100 }, random) {
  return () => {
    const drawn = random();
    if (drawn < drop) return 'drop';
    if (drawn < drop + double) return 'double';
    if (drawn < drop + double + swap) return 'swap';
    if (drawn < drop + double + swap + delay) return { delayMs: random() * delayMs };
    return 'pass';
  };
}

/**
 * The n-th, 2n-th, … message meets that fate, the others pass.
 * @param {number} n @param {Fate} fate
 * @returns {(delivery: Delivery) => Fate}
 */
export function everyNth(n, fate) {
  let seen = 0;
  return () => {
    seen += 1;
    return seen % n === 0 ? fate : 'pass';
  };
}
