/** One connection through the proxy: client, server, and the two lanes between them. */
import { connect } from 'node:net';
import { plainFraming } from './tcp-proxy-framing.mjs';
import { createLane, resetSocket } from './tcp-proxy-lane.mjs';
import { postgresFraming } from './tcp-proxy-postgres.mjs';
import { respFraming } from './tcp-proxy-resp.mjs';

const swapAtMostMs = 1000;
const framings = { plain: plainFraming, resp: respFraming, postgres: postgresFraming };

/**
 * @typedef {object} Rules what the proxy was told, shared by its connections
 * @property {import('./tcp-proxy.mjs').Mode[]} modes
 * @property {() => number} random
 * @property {((delivery: import('./tcp-proxy.mjs').Delivery) => import('./tcp-proxy.mjs').Fate) | undefined} decide
 * @property {{ statement: RegExp, then: 'reset' | 'silence', done: () => void }[]} awaited
 * @property {{ statement: RegExp, done: () => void }[]} holding statements that begin a blackhole
 * @property {Record<'passed' | 'dropped' | 'doubled' | 'swapped' | 'delayed' | 'replaced' | 'forged', number>} deliveries
 *
 * @typedef {object} Connection
 * @property {() => import('./tcp-proxy.mjs').ConnectionFacts} facts
 * @property {() => void} settle to be called when the modes have changed
 * @property {() => void} reset
 * @property {(published: import('./tcp-proxy-framing.mjs').Published) => boolean} forge
 */

/**
 * @param {{
 *   id: number, client: import('node:net').Socket, target: { host: string, port: number },
 *   protocol: keyof typeof framings, rules: Rules, closed: () => void,
 * }} options
 * @returns {Connection}
 */
export function createConnection({ id, client, target, protocol, rules, closed }) {
  const framing = framings[protocol]();
  const clientPort = client.remotePort ?? 0;
  const server = connect({ ...target, allowHalfOpen: true, noDelay: true });
  /** @type {{ remaining: number, then: 'reset' | 'silence', done: () => void } | undefined} */
  let losing;
  let silent = false;
  let unanswered = 0;
  /** @type {(() => void) | undefined} passes on the message that waits for its successor */
  let swapped;
  /** @type {Set<NodeJS.Timeout>} */
  const timers = new Set();

  const facts = () => ({ id, clientPort, name: framing.name() });

  /** @param {'toServer' | 'toClient'} direction */
  const modeOf = (direction) =>
    rules.modes.find(
      ({ direction: set = 'both', where = () => true }) =>
        (set === 'both' || set === direction) && where(facts()),
    );

  /** @param {'toServer' | 'toClient'} direction @returns {import('./tcp-proxy-lane.mjs').Pace} */
  const paceOf = (direction) => {
    const mode = modeOf(direction);
    const { delayMs = 0, jitterMs = 0 } = mode ?? {};
    if (mode?.kind === 'blackhole') return { kind: 'hold', delayMs: 0 };
    if (mode?.kind === 'lose') return { kind: 'lose', delayMs: 0 };
    return {
      kind: 'pass',
      delayMs: mode?.kind === 'delay' ? delayMs + rules.random() * jitterMs : 0,
    };
  };

  const toServer = createLane(client, server, () => paceOf('toServer'));
  const toClient = createLane(server, client, () => paceOf('toClient'));

  const reset = () => {
    toServer.stop();
    toClient.stop();
    for (const timer of timers) clearTimeout(timer);
    resetSocket(client);
    resetSocket(server);
    closed();
  };

  /** @param {number} ms @param {() => void} work */
  const later = (ms, work) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };

  /** @param {Buffer} bytes @param {import('./tcp-proxy.mjs').Fate} fate */
  const deliver = (bytes, fate) => {
    const earlier = swapped;
    if (fate === 'swap' && earlier === undefined) {
      rules.deliveries.swapped += 1;
      const release = () => {
        if (swapped === release) swapped = undefined;
        toClient.push(bytes);
      };
      swapped = release;
      later(swapAtMostMs, () => {
        if (swapped === release) release();
      });
      return;
    }
    if (typeof fate === 'object' && 'delayMs' in fate) {
      rules.deliveries.delayed += 1;
      later(fate.delayMs, () => toClient.push(bytes));
      return;
    }
    if (fate === 'drop') {
      rules.deliveries.dropped += 1;
      return;
    }
    toClient.push(bytes);
    if (fate === 'double') {
      rules.deliveries.doubled += 1;
      toClient.push(bytes);
    } else {
      rules.deliveries.passed += 1;
    }
    earlier?.();
  };

  /** @param {import('./tcp-proxy-framing.mjs').ServerUnit} unit */
  const fromServer = ({ bytes, published, ready = false }) => {
    if (ready) unanswered = Math.max(0, unanswered - 1);
    if (silent) return;
    // Answers to what was asked before still arrive; the one that is lost is lost whole.
    if (losing?.remaining === 1) {
      if (!ready) return;
      silent = true;
      losing.done();
      if (losing.then === 'reset') reset();
      return;
    }
    if (losing !== undefined && ready) losing.remaining -= 1;
    if (published === undefined || rules.decide === undefined) {
      toClient.push(bytes);
    } else {
      const fate = rules.decide({ ...published, connection: facts() });
      const forged =
        typeof fate === 'object' && 'replace' in fate
          ? framing.forge({ channel: published.channel, payload: fate.replace })
          : undefined;
      if (forged !== undefined) {
        rules.deliveries.replaced += 1;
        toClient.push(forged);
      } else {
        deliver(bytes, fate);
      }
    }
  };

  client.on('data', (chunk) => {
    for (const { bytes, statement, asks = false } of framing.fromClient(chunk)) {
      const at =
        statement === undefined || losing !== undefined
          ? -1
          : rules.awaited.findIndex((awaited) => awaited.statement.test(statement));
      if (at >= 0) {
        const [awaited] = rules.awaited.splice(at, 1);
        if (awaited) losing = { ...awaited, remaining: unanswered + 1 };
      }
      const holding = rules.holding.findIndex((one) => statement && one.statement.test(statement));
      if (holding >= 0) {
        rules.modes = [{ kind: 'blackhole' }];
        rules.holding.splice(holding, 1)[0]?.done();
      }
      if (asks) unanswered += 1;
      toServer.push(bytes);
    }
  });
  server.on('data', (chunk) => {
    for (const unit of framing.fromServer(chunk)) fromServer(unit);
  });
  client.on('end', () => toServer.close('end'));
  server.on('end', () => toClient.close('end'));
  client.on('error', () => toServer.close('reset'));
  server.on('error', () => toClient.close('reset'));
  for (const socket of [client, server]) {
    socket.on('close', () => {
      if (client.destroyed && server.destroyed) reset();
    });
  }

  return {
    facts,
    settle() {
      const cut = modeOf('toServer')?.kind === 'cut';
      const broken =
        (toServer.hasLost() && modeOf('toServer')?.kind !== 'lose') ||
        (toClient.hasLost() && modeOf('toClient')?.kind !== 'lose');
      if (cut || broken) {
        reset();
        return;
      }
      toServer.settle();
      toClient.settle();
    },
    reset,
    forge(published) {
      const bytes = framing.forge(published);
      if (bytes !== undefined) toClient.push(bytes);
      return bytes !== undefined;
    },
  };
}
