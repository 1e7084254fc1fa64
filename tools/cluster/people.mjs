/** Tenants with an administrator and users, made through the routes as an administrator makes them. */
import { randomBytes } from 'node:crypto';

/** @typedef {import('./node.mjs').ClusterNode} ClusterNode */
/** @typedef {import('./http.mjs').Reply} Reply */

/** @typedef {{ tenant: string, tid: string, uid: string, email: string, password: string }} Person */

/** What load and tests must not run into; the limits have tests of their own. */
const policy = {
  access_ttl: 900,
  idle_timeout: 86_400,
  absolute_timeout: 86_400,
  refresh_grace: 10,
  max_sessions_per_user: 1000,
  on_session_limit: 'revoke_oldest',
  login_limit: {
    account_attempts: 100,
    account_window: 900,
    address_attempts: 100_000,
    address_window: 900,
    max_wait: 1,
  },
};

/** @returns {string} good by every policy */
export const madePassword = () => randomBytes(15).toString('base64url');

/** The administrator of one tenant; logs in again by itself. */
export class Administrator {
  /** @type {Person} */
  person;
  /** The session that revocations of the whole tenant spare; empty before the first call. */
  sid = '';
  #http;
  #nodes;
  #token = '';

  /**
   * @param {Person} person
   * @param {import('./http.mjs').Http} http
   * @param {() => readonly ClusterNode[]} nodes those that may be asked
   */
  constructor(person, http, nodes) {
    this.person = person;
    this.#http = http;
    this.#nodes = nodes;
  }

  /**
   * Calls a route with the administrator's token. A call that was refused because of the token is repeated with a new one;
   * no other is.
   * @param {string} path
   * @param {import('./http.mjs').CallOptions & { node?: ClusterNode | undefined }} [options] `node`: default, any one
   * @returns {Promise<Reply>}
   */
  async call(path, { node, ...options } = {}) {
    const url = (node ?? this.#anyNode()).url;
    if (this.#token === '') await this.login(node);
    const reply = await this.#http.call(`${url}${path}`, { ...options, token: this.#token });
    if (reply.status !== 401) return reply;
    await this.login(node);
    return this.#http.call(`${url}${path}`, { ...options, token: this.#token });
  }

  /** @param {ClusterNode} [node] */
  async login(node) {
    const { tenant, email, password } = this.person;
    const url = (node ?? this.#anyNode()).url;
    const body = { tenant, email, password, device: 'console' };
    const reply = await this.#http.call(`${url}/v1/login`, { body });
    if (reply.status !== 200) throw new Error(`login of ${email}: ${describeReply(reply)}`);
    this.#token = reply.body.access_token;
    this.sid = reply.body.session.id;
    this.person.uid = reply.body.user.id;
    this.person.tid = claimsOf(this.#token).tid;
  }

  /** Widens the tenant's limits, so that load and tests do not meet them. */
  async widenLimits() {
    const reply = await this.call('/v1/admin/policy', { method: 'PUT', body: policy });
    if (reply.status !== 200) throw new Error(`policy: ${describeReply(reply)}`);
  }

  /** Makes users with passwords. @param {number} count @returns {Promise<Person[]>} */
  async makePeople(count) {
    const { tenant, tid } = this.person;
    const made = [];
    for (let index = 0; index < count; index += 1) {
      const email = `person-${randomBytes(4).toString('hex')}@${tenant}.example`;
      const password = madePassword();
      const reply = await this.call('/v1/admin/users', { body: { email, password } });
      if (reply.status !== 201) throw new Error(`user ${email}: ${describeReply(reply)}`);
      made.push({ tenant, tid, uid: reply.body.user.id, email, password });
    }
    return made;
  }

  #anyNode() {
    const node = this.#nodes().find(({ accepting }) => accepting);
    if (node === undefined) throw new Error('no node accepts calls');
    return node;
  }
}

/** @param {Reply} reply */
export function describeReply({ status, code, body }) {
  return `${status ?? 'no answer'} ${code ?? ''} ${JSON.stringify(body)}`;
}

/** The claims of an access token, unverified. @param {string} token @returns {any} */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}
