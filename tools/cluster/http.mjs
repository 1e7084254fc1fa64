/** Calls routes as a client does that keeps its connections, and never throws: what went wrong is an answer, too. */
import { Agent, request } from 'node:http';

/**
 * @typedef {object} Reply
 * @property {number | null} status null: there was no answer (refused, reset, timed out)
 * @property {string | null} code the problem document's, or the system's error code when there was no answer
 * @property {any} body the JSON, or null
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {number} beginMs monotonic (`performance.now()`), before anything was sent
 * @property {number} endMs monotonic, after the last byte came
 */

/**
 * @typedef {object} CallOptions
 * @property {string} [method] default: GET, with a body POST
 * @property {string} [token] bearer
 * @property {unknown} [body] sent as JSON
 * @property {Record<string, string>} [headers]
 * @property {number} [timeoutMs] for the whole call; default 20,000
 */

/**
 * @typedef {object} Http
 * @property {(url: string, options?: CallOptions) => Promise<Reply>} call
 * @property {() => void} close ends the connections that are kept
 */

/**
 * @param {{ keepAlive?: boolean }} [options] whether connections are kept; default true
 * @returns {Http}
 */
export function createHttp({ keepAlive = true } = {}) {
  const agent = new Agent({ keepAlive, maxFreeSockets: 64, scheduling: 'lifo' });
  return {
    call: (url, options = {}) => call(agent, url, options),
    close: () => agent.destroy(),
  };
}

/** @param {Agent} agent @param {string} url @param {CallOptions} options @returns {Promise<Reply>} */
function call(agent, url, { method, token, body, headers = {}, timeoutMs = 20_000 }) {
  const text = body === undefined ? null : JSON.stringify(body);
  const beginMs = performance.now();
  return new Promise((resolve) => {
    /** @param {unknown} error */
    const lost = (error) => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      resolve({ status: null, code, body: null, headers: {}, beginMs, endMs: performance.now() });
    };
    const sent = request(
      url,
      {
        agent,
        method: method ?? (text === null ? 'GET' : 'POST'),
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          ...headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(text === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
      },
      (response) => {
        /** @type {Buffer[]} */
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.once('error', lost);
        response.once('end', () => {
          const found = parsed(Buffer.concat(chunks).toString('utf8'));
          resolve({
            status: response.statusCode ?? null,
            code: typeof found?.code === 'string' ? found.code : null,
            body: found,
            headers: response.headers,
            beginMs,
            endMs: performance.now(),
          });
        });
      },
    );
    sent.once('error', lost);
    sent.end(text ?? undefined);
  });
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // an answer of something in between, such as a load balancer's own
  }
}
