// Drives the programs of docs/moving-over.md, which stand beside it: an app with sessions of its own, in cookies and as JWTs,
// moves over while people use it. Prints what became of each request, as JSON.
import { createHmac, timingSafeEqual } from 'node:crypto';

const PEOPLE = new Map([
  ['ada', { tenant: 'acme', user: 'ada', roles: ['member'] }],
  ['kei', { tenant: 'acme', user: 'kei', roles: ['member'] }],
]);
/** @param {string} text */
const sign = (text) => createHmac('sha256', 'the key of before').update(text).digest();
/** @param {object} part */
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
/** A plain JWT of before. @param {string} sub */
const jwtOf = (sub, typ = 'JWT') => {
  const text = `${encoded({ alg: 'HS256', typ })}.${encoded({ sub })}`;
  return `${text}.${sign(text).toString('base64url')}`;
};
/** Cookies of before: who, and until when. @type {Map<string, { sub: string, untilMs: number }>} */
const cookies = new Map([['c1', { sub: 'ada', untilMs: Number.POSITIVE_INFINITY }]]);
let minutes = 0;

/** @param {Request} request */
function subjectOf(request) {
  const [, text = '', signature = ''] =
    /^Bearer (.*)\.(.*)$/.exec(request.headers.get('authorization') ?? '') ?? [];
  if (text !== '') {
    const given = Buffer.from(signature, 'base64url');
    const good = given.length === 32 && timingSafeEqual(given, sign(text));
    return good
      ? JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()).sub
      : null;
  }
  const kept = cookies.get(/\bold=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1] ?? '');
  return kept !== undefined && kept.untilMs > minutes ? kept.sub : null;
}

/** Ids that the exchange has kept. @type {Map<string, { tenant: string, user: string }>} */
const ids = new Map();
// What the page leaves to the reader.
Object.assign(globalThis, {
  /** @param {Request} request */
  async oldSessionOf(request) {
    const person = PEOPLE.get(subjectOf(request) ?? '');
    if (person === undefined) return null;
    const { tenant: tenantSlug, user: userId } = person;
    return { ...person, tenantSlug, userId, email: `${userId}@acme.example` };
  },
  /** @param {Request} request */
  async endOldSessionSoon(request) {
    const kept = cookies.get(/\bold=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1] ?? '');
    if (kept !== undefined) kept.untilMs = minutes + 1;
  },
  /** @param {{ tenantSlug: string, userId: string }} old @param {string} tid @param {string} uid */
  async keepIds(old, tid, uid) {
    ids.set(`${tid} ${uid}`, { tenant: old.tenantSlug, user: old.userId });
  },
  /** @param {string} tid @param {string} uid */
  yourIdsOf: async (tid, uid) => ids.get(`${tid} ${uid}`),
});

/** @param {string} name One of the programs. */
const program = (name) => import(`./${name}.js`);
const { sekisho } = await program('sekisho');
const { personOf } = await program('both-systems');
const { exchange } = await program('exchange');
await sekisho.engine.operator.createTenant({
  ...{ slug: 'acme', name: null, adminEmail: 'noor@acme.example' },
  adminPassword: 'seven green bicycles',
});

/** The one route of the app, before the wrapper and behind it. */
const apps = {
  /** @param {Request} request */
  before: async (request) => PEOPLE.get(subjectOf(request) ?? '') ?? null,
  behind: personOf,
};
/** @param {Record<string, string>} headers */
const asked = (headers, method = 'GET') =>
  new Request('https://app.example.com/orders', { method, headers });
/** What the route answers: the person's id, or the status and the code. @param {'before' | 'behind'} app */
async function answer(app, headers = {}) {
  try {
    const person = await apps[app](asked(headers));
    return person === null ? 401 : `${person.tenant}/${person.user}/${person.roles.join()}`;
  } catch (error) {
    const { status, code } = /** @type {{ status: number, code: string }} */ (error);
    return `${status} ${code}`;
  }
}
/** @param {string} token */
const bearer = (token) => ({ authorization: `Bearer ${token}` });
/** @type {Record<string, unknown>} */
const said = {};

const cookie = { cookie: 'old=c1' };
const jwt = bearer(jwtOf('kei'));
for (const app of /** @type {const} */ (['before', 'behind'])) {
  said[app] = [await answer(app, cookie), await answer(app, jwt), await answer(app)];
}
said.forged = [
  await answer('behind', bearer(`${jwtOf('kei').slice(0, -3)}AAA`)),
  await answer('behind', bearer(jwtOf('kei', 'at+jwt'))),
  await answer('behind', bearer('opaque')),
];

// The browser: the first answer is lost on the way, the second arrives.
await exchange(asked(cookie, 'POST'));
said.whileLost = await answer('behind', cookie);
const arrived = await exchange(asked(cookie, 'POST'));
const jar = arrived.headers
  .getSetCookie()
  .map((/** @type {string} */ one) => one.replace(/;.*/, ''));
const both = { cookie: ['old=c1', ...jar].join('; ') };
said.browser = [arrived.status, await answer('behind', both), await answer('behind', cookie)];
minutes += 2;
said.browserLater = [await answer('behind', both), await answer('behind', cookie)];

// The app, with a token that it keeps; another part of it still sends the old one, or sends it beside the cookie.
const given = await exchange(asked(jwt, 'POST'));
const tokens = /** @type {Record<string, string>} */ (await given.json());
said.app = [
  ...[given.status, given.headers.getSetCookie().length, tokens.token_type, tokens.expires_in],
  await answer('behind', bearer(tokens.access_token ?? '')),
  await answer('behind', jwt),
  await answer('behind', { ...jwt, ...both }),
];
const refreshed = await sekisho.fetch(
  new Request('https://app.example.com/v1/refresh', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: tokens.refresh_token }),
  }),
);
said.refreshed = refreshed.status;

// A forced logout holds, whatever else comes along.
cookies.set('c2', { sub: 'ada', untilMs: Number.POSITIVE_INFINITY });
await sekisho.engine.operator.revokeSessions({
  ...{ scope: 'user', tenant: 'acme', user: 'ada@acme.example' },
  ...{ reason: null, waitMs: null },
});
said.revoked = await answer('behind', { cookie: ['old=c2', ...jar].join('; ') });

process.stdout.write(JSON.stringify(said), () => process.exit(0));
