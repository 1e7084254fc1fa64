/** One device of one person as the load plays it: a session with its tokens, which knows what a real client knows. */
import { claimsOf } from './people.mjs';

/** @typedef {import('./history.mjs').History} History */
/** @typedef {import('./history.mjs').SessionFact} SessionFact */
/** @typedef {import('./history.mjs').TokenFact} TokenFact */
/** @typedef {import('./people.mjs').Person} Person */
/** @typedef {import('./http.mjs').Reply} Reply */

/** Access tokens of a session that are kept and tried, the newest among them. */
const keptTokens = 4;

/** @typedef {{ fact: TokenFact, access: string }} Token */

export class Device {
  person;
  /** @type {SessionFact} */
  session;
  /** Newest last. @type {Token[]} */
  tokens = [];
  /** The newest that this client was given. */
  refreshToken;
  /** Whether a refresh is on its way: a client has one at a time. */
  refreshing = false;
  /** Whether the load leaves it logged in. */
  kept = false;
  /** Before that nothing is refreshed: the last try was not answered with tokens. */
  refreshAfterMs = 0;
  /** `live`; `condemned` once a call that ends the session was sent; `out` when it was told so. @type {'live' | 'condemned' | 'out'} */
  state = 'live';

  /** @param {Person} person @param {Reply} reply of the login @param {History} history */
  constructor(person, reply, history) {
    const claims = claimsOf(reply.body.access_token);
    this.person = person;
    this.session = {
      ...{ sid: claims.sid, tid: claims.tid, uid: claims.uid },
      ...{ generation: claims.gen, epoch: claims.epoch },
      ...{ beginMs: reply.beginMs, endMs: reply.endMs },
    };
    this.refreshToken = '';
    this.#take(reply, history);
  }

  /** @returns {Token} */
  get newest() {
    return /** @type {Token} */ (this.tokens.at(-1));
  }

  /** @param {Reply} reply of a refresh @param {History} history */
  refreshed(reply, history) {
    this.#take(reply, history);
  }

  /** @param {Reply} reply @param {History} history */
  #take(reply, history) {
    const { access_token: access, refresh_token: refresh, expires_in: seconds } = reply.body;
    const claims = claimsOf(access);
    this.refreshToken = refresh;
    const fact = history.token({
      ...{ session: this.session, generation: claims.gen },
      ...{ tokenEpoch: claims.token_epoch, rot: claims.rot },
      ...{ beginMs: reply.beginMs, endsMs: reply.beginMs + seconds * 1000 },
    });
    this.tokens.push({ fact, access });
    if (this.tokens.length > keptTokens) this.tokens.shift();
  }
}
