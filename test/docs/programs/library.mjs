// Drives the programs of docs/library.md, which stand beside it, in one process: they share one
// instance, as they would in an app. Prints what each answered, as JSON.
import { once } from 'node:events';
import { createSekisho } from 'sekisho';
import { WebSocket } from 'ws';

const sekisho = await createSekisho({ dataDir: '.sekisho' });
await sekisho.engine.operator.createTenant({
  slug: 'acme',
  name: null,
  adminEmail: 'noor@acme.example',
  adminPassword: 'seven green bicycles',
});
/** @param {string} name One of the programs. */
const program = (name) => import(`./${name}.js`);
/** @param {readonly string[]} roles */
const pairOf = (roles) =>
  sekisho.sessions.create({
    tenant: 'acme',
    user: { externalId: 'yuki-1', email: 'yuki@acme.example', roles: [...roles] },
    amr: ['pwd'],
  });
const member = await pairOf(['member']);
/** @param {string} token */
const bearer = (token) => ({ authorization: `Bearer ${token}` });
/** @param {string} [token] */
const request = (token, init = {}) =>
  new Request('http://localhost/orders', { headers: token ? bearer(token) : {}, ...init });
/** @param {Response} answer */
const seen = async (answer) => ({
  status: answer.status,
  body: await answer.text().then((text) => (text === '' ? null : JSON.parse(text))),
  cookies: answer.headers.getSetCookie().map((cookie) => cookie.replace(/=.*/, '')),
});
/** @type {Record<string, unknown>} */
const said = { tenant: (await sekisho.authenticate(member.accessToken)).tenantId };

const { tenantOf } = await program('who');
said.who = [await tenantOf(member.accessToken), await tenantOf('nobody')];

const { GET, DELETE } = await program('wrapper');
const remove = { method: 'DELETE', headers: bearer(member.accessToken) };
said.wrapper = {
  member: await seen(await GET(request(member.accessToken))),
  nobody: await seen(await GET(request())),
  refused: await seen(await DELETE(request(undefined, remove))),
};

const route = await program('route');
const context = { params: Promise.resolve({ id: '4711' }) };
said.route = await seen(await route.GET(request(member.accessToken), context));

const { afterSingleSignOn } = await program('own-login');
const person = { id: 'kei-1', email: 'kei@acme.example' };
said.ownLogin = await seen(await afterSingleSignOn(new Request('https://localhost/sso'), person));

const { expressApp, fastifyApp, server } = await program('node-adapters');
const listening = expressApp.listen(0, '127.0.0.1');
await once(listening, 'listening');
await fastifyApp.listen({ port: 0, host: '127.0.0.1' });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origins = [listening, fastifyApp.server, server].map(
  (one) => `http://127.0.0.1:${one.address().port}`,
);
/** @param {string} url */
const asked = async (url) => {
  const [good, bad] = await Promise.all([
    fetch(url, { headers: bearer(member.accessToken) }),
    fetch(url),
  ]);
  return [good.status, await good.text(), bad.status];
};
said.adapters = await Promise.all(origins.map((origin) => asked(`${origin}/orders`)));
said.routes = await Promise.all(
  origins.slice(0, 2).map(async (origin) => {
    const answer = await fetch(`${origin}/v1/session`, { headers: bearer(member.accessToken) });
    return [answer.status, /** @type {any} */ (await answer.json()).user.email];
  }),
);
const ticketed = await fetch(`${origins[0]}/v1/socket-ticket`, {
  method: 'POST',
  headers: bearer(member.accessToken),
});
const { ticket } = /** @type {{ ticket: string }} */ (await ticketed.json());
const socket = new WebSocket(`${origins[2]?.replace('http', 'ws')}/v1/socket`, [
  'sekisho.v1',
  `sekisho.ticket.${ticket}`,
]);
await once(socket, 'open');
socket.send('hello');
const [message] = await once(socket, 'message');
said.socket = String(message);

process.stdout.write(JSON.stringify(said), () => process.exit(0));
