/** The sockets of a load: opened with tickets, asked for signs of life, opened anew when they were closed. */
import { WebSocket } from 'ws';

/** @typedef {import('./device.mjs').Device} Device */
/** @typedef {import('./history.mjs').History} History */
/** @typedef {import('./history.mjs').SocketFact} SocketFact */

const pingEveryMs = 400;
const pingTimeoutMs = 5000;

/** One connection of one device. */
export class LoadSocket {
  device;
  /** @type {SocketFact} */
  fact;
  #history;
  #ws;
  /** @type {Map<string, import('./history.mjs').RequestFact>} */
  #pings = new Map();
  #nextPing = 1;
  #lastPingMs = 0;

  /**
   * @param {Device} device
   * @param {import('./device.mjs').Token} token for which the ticket was issued
   * @param {{ name: string, url: string }} node
   * @param {string} ticket
   * @param {History} history
   */
  constructor(device, token, node, ticket, history) {
    this.device = device;
    this.#history = history;
    this.fact = {
      ...{ node: node.name, session: device.session, token: token.fact },
      ...{ beginMs: performance.now(), openedMs: null, closedMs: null, code: null },
      byClient: false,
    };
    history.sockets.push(this.fact);
    this.#ws = new WebSocket(`${node.url.replace('http', 'ws')}/v1/socket`, [
      'sekisho.v1',
      `sekisho.ticket.${ticket}`,
    ]);
    this.#ws.on('message', (data) => this.#message(String(data)));
    this.#ws.on('unexpected-response', (_request, response) => {
      response.resume();
      this.#closed(response.statusCode ?? 0);
      this.#ws.terminate();
    });
    this.#ws.on('error', () => {}); // a close follows
    this.#ws.on('close', (code) => this.#closed(code));
  }

  get open() {
    return this.fact.closedMs === null;
  }

  /** Sends a sign of life when one is due. */
  tick() {
    const nowMs = performance.now();
    if (this.fact.openedMs === null || !this.open || nowMs - this.#lastPingMs < pingEveryMs) return;
    this.#lastPingMs = nowMs;
    const id = String(this.#nextPing);
    this.#nextPing += 1;
    this.#pings.set(
      id,
      this.#history.request({
        ...{ kind: 'ping', node: this.fact.node, beginMs: nowMs, endMs: nowMs + pingTimeoutMs },
        ...{ session: this.device.session, token: this.fact.token, status: null },
      }),
    );
    this.#ws.send(JSON.stringify({ type: 'ping', id }));
  }

  close() {
    if (!this.open) return;
    this.fact.byClient = true;
    this.#ws.close();
  }

  /** @param {string} text */
  #message(text) {
    const { type, id } = JSON.parse(text);
    if (type === 'session.opened') this.fact.openedMs = performance.now();
    const ping = type === 'pong' ? this.#pings.get(id) : undefined;
    if (ping === undefined) return;
    ping.status = 200;
    ping.endMs = performance.now();
    this.#pings.delete(id);
  }

  /** @param {number} code */
  #closed(code) {
    if (!this.open) return;
    this.fact.closedMs = performance.now();
    this.fact.code = code;
    for (const ping of this.#pings.values()) ping.endMs = performance.now();
    this.#pings.clear();
  }
}
