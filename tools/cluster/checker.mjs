/**
 * Judges a whole history:
 *
 * - no request that began after a revoking call had returned `everywhere` was accepted with a revoked token, by any node;
 *   no message passed on a socket of it, and the socket is closed;
 * - no valid token, no newest refresh token and no right password was refused with 401, and no socket of a session that
 *   still stands was closed as revoked;
 * - nothing was answered that this load cannot bring about (500, 404 …).
 *
 * What it cannot decide it leaves: see coverage.mjs.
 */
import { covers } from './coverage.mjs';

/** @typedef {import('./history.mjs').History} History */
/** @typedef {import('./history.mjs').RequestFact} RequestFact */
/** @typedef {import('./history.mjs').RevocationFact} RevocationFact */
/** @typedef {import('./history.mjs').SessionFact} SessionFact */
/** @typedef {import('./history.mjs').SocketFact} SocketFact */

/**
 * @typedef {object} CheckOptions
 * @property {boolean} [superseded] whether access tokens may be answered `token_superseded` (the client then refreshes): after
 *   a generation has ended with entries lost. Default false
 * @property {boolean} [uninterrupted] whether every request must have been served: no 503, no lost answer, no other node
 *   tried. Default false
 * @property {(revocation: RevocationFact) => number | null} [countsFromMs] from when the first rule counts for a revocation;
 *   null: never. Default: from when its call returned `everywhere`. For entries that were lost and handed in later
 * @property {(refused: RequestFact | SocketFact) => boolean} [excused] what the second rule does not count, such as sessions
 *   whose own rows were lost. Default: nothing
 *
 * @typedef {object} Violation
 * @property {'accepted' | 'refused' | 'unexpected' | 'interrupted' | 'socket_open'} rule
 * @property {number} atMs since the history began
 * @property {string} what
 *
 * @typedef {object} Verdict
 * @property {Violation[]} violations
 * @property {{ revokedTried: number, validTried: number, undecided: number }} evidence requests with certainly revoked
 *   tokens that began after `everywhere`, with certainly valid tokens, and with tokens of which the history cannot tell:
 *   a verdict over none of the first two says nothing
 */

/** Judgements that a client is to answer with a refresh. */
const REFRESH_NOW = new Set(['token_superseded', 'token_expired']);
/** Close codes that say that a session is over. */
const OVER = new Set([4401, 4403]);
/** `exp` is in whole seconds, and the node's wall time and this process' clock are not the same. */
const EXPIRY_SLACK_MS = 2000;

/** @param {History} history @param {CheckOptions} [options] @returns {Verdict} */
export function checkHistory(history, options = {}) {
  const judge = new Judge(history, options);
  for (const request of history.requests) judge.request(request);
  for (const socket of history.sockets) judge.socket(socket);
  judge.violations.sort((a, b) => a.atMs - b.atMs);
  return { violations: judge.violations, evidence: judge.evidence };
}

class Judge {
  /** @type {Violation[]} */
  violations = [];
  evidence = { revokedTried: 0, validTried: 0, undecided: 0 };
  /** @type {Map<SessionFact, { revocation: RevocationFact, certain: boolean }[]>} */
  #bySession = new Map();
  #oneGeneration;

  /** @param {History} history @param {CheckOptions} options */
  constructor(history, options) {
    this.history = history;
    this.options = options;
    this.#oneGeneration = new Set(history.tokens.map(({ generation }) => generation)).size <= 1;
  }

  /** @param {RequestFact} request */
  request(request) {
    const { session, status } = request;
    if (session !== null && request.kind !== 'login') this.#tokenOf(request, session);
    else if (status === 401) this.#add('refused', request, 'a login with the right password');
    if (status === null || status === 503 || status === 502 || status === 504) {
      // A socket may be closed at any time; its client comes back.
      if (this.options.uninterrupted && request.kind !== 'ping')
        this.#add('interrupted', request, 'not served');
    } else if (status !== 401 && !(status >= 200 && status < 300)) {
      this.#add('unexpected', request, 'nothing that this load brings about');
    }
  }

  /** @param {RequestFact} request @param {SessionFact} session */
  #tokenOf(request, session) {
    const ends = this.#endsOf(session);
    const dead = ends.find(({ revocation, certain }) => {
      const fromMs = this.#countsFromMs(revocation);
      return certain && fromMs !== null && fromMs < request.beginMs;
    });
    const accepted = request.status !== null && request.status >= 200 && request.status < 300;
    if (dead !== undefined) {
      this.evidence.revokedTried += 1;
      if (accepted) this.#add('accepted', request, `ended by ${describe(dead.revocation)}`);
    } else if (ends.some(({ revocation }) => revocation.beginMs <= request.endMs)) {
      this.evidence.undecided += 1;
    } else {
      this.evidence.validTried += 1;
      if (request.status === 401 && !this.#mayBeRefreshed(request)) {
        if (!this.options.excused?.(request)) this.#add('refused', request, 'valid');
      }
    }
  }

  /** @param {RequestFact} request */
  #mayBeRefreshed({ token, code, endMs }) {
    if (token === null || code === null || !REFRESH_NOW.has(code)) return false;
    if (code === 'token_expired') return endMs > token.endsMs - EXPIRY_SLACK_MS;
    return this.options.superseded ?? false;
  }

  /** @param {SocketFact} socket */
  socket(socket) {
    const ends = this.#endsOf(socket.session);
    const lastMs = socket.closedMs ?? this.history.endedMs ?? Number.POSITIVE_INFINITY;
    for (const { revocation, certain } of ends) {
      const fromMs = this.#countsFromMs(revocation);
      if (!certain || fromMs === null) continue;
      if (socket.openedMs !== null && socket.beginMs > fromMs) {
        this.#add('accepted', { ...socket, kind: 'socket' }, `ended by ${describe(revocation)}`);
      }
      if (socket.closedMs === null) {
        this.#add('socket_open', { ...socket, kind: 'socket' }, `ended by ${describe(revocation)}`);
      }
    }
    const closedAsOver = !socket.byClient && socket.code !== null && OVER.has(socket.code);
    if (closedAsOver && !ends.some(({ revocation }) => revocation.beginMs <= lastMs)) {
      if (!this.options.excused?.(socket)) {
        this.#add('refused', { ...socket, kind: 'socket' }, `closed with ${socket.code}`);
      }
    }
  }

  /** @param {RevocationFact} revocation */
  #countsFromMs(revocation) {
    if (revocation.everywhereMs === null) return null;
    const { countsFromMs } = this.options;
    return countsFromMs === undefined ? revocation.everywhereMs : countsFromMs(revocation);
  }

  /** @param {SessionFact} session */
  #endsOf(session) {
    let ends = this.#bySession.get(session);
    if (ends === undefined) {
      ends = this.history.revocations.flatMap((revocation) => {
        const covered = covers(revocation, session, this.#oneGeneration);
        return covered === 'no' ? [] : [{ revocation, certain: covered === 'yes' }];
      });
      this.#bySession.set(session, ends);
    }
    return ends;
  }

  /**
   * @param {Violation['rule']} rule
   * @param {{ kind: string, node: string, beginMs: number, session: SessionFact | null, status?: number | null,
   *   code?: string | number | null, token?: import('./history.mjs').TokenFact | null }} fact
   * @param {string} why
   */
  #add(rule, { kind, node, beginMs, session, status, code, token }, why) {
    const atMs = beginMs - this.history.beganMs;
    const answer = [status, code].filter((part) => part !== null && part !== undefined).join(' ');
    const whose =
      session === null
        ? 'no session'
        : `session ${session.sid.slice(0, 8)}… of epoch ${session.epoch}${token ? `, token ${token.id}` : ''}`;
    const what = `${kind} at ${node}: ${answer || 'no answer'} (${whose}; ${why})`;
    this.violations.push({ rule, atMs, what });
  }
}

/** @param {RevocationFact} revocation */
function describe({ scope, position, node }) {
  return `the revocation of ${scope} at position ${position ?? 'unknown'} by ${node}`;
}
