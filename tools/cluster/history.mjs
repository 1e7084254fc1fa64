/**
 * What happened during a run, in one monotonic clock (`performance.now()` of the process that drove it): every request with
 * its answer, every revocation with what its call said, every socket. The checker judges it afterwards.
 */

/**
 * @typedef {object} SessionFact a login that succeeded
 * @property {string} sid
 * @property {string} tid
 * @property {string} uid
 * @property {string} generation in which its epoch was read
 * @property {number} epoch
 * @property {number} beginMs of the login
 * @property {number} endMs
 *
 * @typedef {object} TokenFact an access token
 * @property {number} id counted from 1
 * @property {SessionFact} session
 * @property {string} generation in which it was minted
 * @property {number} tokenEpoch
 * @property {number} rot
 * @property {number} beginMs of the request that brought it
 * @property {number} endsMs when it expires; exact to a second
 *
 * @typedef {'authenticate' | 'session' | 'refresh' | 'ticket' | 'ping'} Kind
 *   what presents a token, or (`refresh`) the newest refresh token that the client has; `ping`: a message on a socket
 *
 * @typedef {object} RequestFact
 * @property {Kind | 'login'} kind
 * @property {string} node name of the node, or of what stands in front of the nodes
 * @property {number} beginMs before anything was sent
 * @property {number} endMs after the answer, or when it was given up
 * @property {SessionFact | null} session null: a login that made none
 * @property {TokenFact | null} token null for `login` and `refresh`
 * @property {number | null} status null: no answer
 * @property {string | null} code of the problem document
 * @property {string | null} freshness `fresh` or `stale`, where the answer says it
 *
 * @typedef {object} RevocationFact
 * @property {'all' | 'tenant' | 'user' | 'session'} scope
 * @property {string | null} tid null for `all`
 * @property {string | null} uid for `user`
 * @property {string | null} sid for `session`
 * @property {string | null} sparedSid
 * @property {string} node that was asked
 * @property {number} beginMs
 * @property {number | null} endMs of the first answer
 * @property {number | null} position null as long as no answer said it
 * @property {'open' | 'everywhere' | 'pending' | 'unknown' | 'refused'} outcome `unknown`: it may have happened, or may yet;
 *   `refused`: it did not happen and never will
 * @property {'everywhere' | 'pending' | 'unknown' | 'refused' | null} firstOutcome what the call itself said
 * @property {number | null} everywhereMs when a call returned that says `everywhere`
 * @property {string | null} id of the operation
 *
 * @typedef {object} SocketFact
 * @property {string} node
 * @property {SessionFact} session
 * @property {TokenFact} token for which the ticket was issued
 * @property {number} beginMs before the connection was asked for
 * @property {number | null} openedMs when the node said that the session is served on it
 * @property {number | null} closedMs
 * @property {number | null} code of the close frame, or the status that refused the upgrade
 * @property {boolean} byClient whether the client closed it
 */

export class History {
  /** @type {RequestFact[]} */
  requests = [];
  /** @type {RevocationFact[]} */
  revocations = [];
  /** @type {SocketFact[]} */
  sockets = [];
  /** @type {TokenFact[]} */
  tokens = [];
  /** Requests that were due and not sent, because too many waited for an answer. */
  skipped = 0;
  beganMs = performance.now();
  /** @type {number | null} */
  endedMs = null;

  /**
   * @param {Omit<RequestFact, 'freshness' | 'code'> & { freshness?: string | null, code?: string | null }} fact
   * @returns {RequestFact}
   */
  request({ freshness = null, code = null, ...fact }) {
    const request = { ...fact, freshness, code };
    this.requests.push(request);
    return request;
  }

  /** @param {Omit<TokenFact, 'id'>} fact @returns {TokenFact} */
  token(fact) {
    const token = { id: this.tokens.length + 1, ...fact };
    this.tokens.push(token);
    return token;
  }

  /**
   * A revoking call that is about to be sent.
   * @param {Pick<RevocationFact, 'scope' | 'node'> & Partial<Pick<RevocationFact, 'tid' | 'uid' | 'sid' | 'sparedSid'>>} fact
   * @returns {RevocationFact}
   */
  revocation({ scope, node, tid = null, uid = null, sid = null, sparedSid = null }) {
    /** @type {RevocationFact} */
    const revocation = {
      ...{ scope, node, tid, uid, sid, sparedSid },
      ...{ beginMs: performance.now(), endMs: null, position: null, outcome: 'open' },
      ...{ firstOutcome: null, everywhereMs: null, id: null },
    };
    this.revocations.push(revocation);
    return revocation;
  }

  /**
   * Takes in an answer about a revocation: of the revoking call itself, or of one that asked later.
   * @param {RevocationFact} revocation
   * @param {import('./http.mjs').Reply} reply
   */
  answered(revocation, { status, code, body, endMs }) {
    const said = body?.revocation;
    /** @type {'everywhere' | 'pending' | 'unknown' | 'refused'} */
    let outcome = 'unknown';
    if (said !== undefined) outcome = said.effective;
    else if (status === 204) outcome = 'everywhere';
    else if (status !== null && status >= 400 && status < 500) outcome = 'refused';
    // 503 without an id: nothing was committed. With one, or without any answer, nobody knows yet.
    else if (status === 503 && code !== 'outcome_unknown') outcome = 'refused';

    revocation.id ??= said?.id ?? (typeof body?.id === 'string' ? body.id : null);
    revocation.position = said?.position ?? revocation.position;
    if (revocation.firstOutcome === null) {
      revocation.firstOutcome = outcome;
      revocation.endMs = endMs;
      revocation.outcome = outcome;
    } else if (outcome === 'everywhere' || outcome === 'pending') {
      revocation.outcome = outcome;
    } else if (outcome === 'refused' && code === 'not_found' && revocation.position === null) {
      revocation.outcome = 'refused'; // it had not happened when it was asked after, and cannot any more
    }
    if (outcome === 'everywhere') revocation.everywhereMs ??= endMs;
  }
}
