// Drives the programs of docs/client.md, which stand beside it, against an app at the port `process.argv[2]` whose routes of
// Sekisho are below `/auth`. There is no browser: a page is played by the globals that the client looks at, and a jar for the
// cookies. Prints what the programs did, as JSON.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createSekisho } from 'sekisho';
import { attachSocket, nodeHandler, requireSession } from 'sekisho/node';
import { WebSocket } from 'ws';

const password = process.env.PASSWORD ?? '';
const sekisho = await createSekisho({
  ...{ dataDir: ':memory:', logLevel: 'silent', basePath: '/auth' },
});
await sekisho.engine.operator.createTenant({
  ...{ slug: 'acme', name: null, adminEmail: 'yuki@acme.example', adminPassword: password },
});
const handle = nodeHandler(sekisho);
const guard = requireSession(sekisho);
const server = createServer((req, res) => {
  if (req.url === '/orders') guard(req, res, () => res.end('["one","two"]'));
  else handle(req, res);
});
attachSocket(server, sekisho, {
  path: '/live',
  onConnection: (live) => live.onMessage((text) => live.send(`echo: ${text}`)),
});
server.listen(Number(process.argv[2]), '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${process.argv[2]}`;

/** @type {unknown[][]} */
const printed = [];
console.log = (...values) => printed.push(values);
/** @param {string} name One of the programs. */
const program = (name) => import(`./${name}.js`);
await program('program');

/** @type {string[]} */
const went = [];
/** @type {Map<string, string>} */
const jar = new Map();
const plain = globalThis.fetch;
Object.assign(globalThis, {
  document: {},
  location: { href: `${origin}/`, assign: (/** @type {string} */ url) => went.push(url) },
  WebSocket,
  /** @type {typeof fetch} */
  async fetch(input, init) {
    const request = new Request(input, init);
    request.headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '));
    request.headers.set('origin', origin);
    const answer = await plain(request);
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  },
});
const page = await program('page');
const beforeLogin = [...went];
const wrong = await page
  .login('acme', 'yuki@acme.example', 'wrong')
  .catch((/** @type {{ code: string }} */ error) => error.code);
const name = await page.login('acme', 'yuki@acme.example', password);
const orders = await page.orders();

await program('live');
const heard = () => printed.some(([text]) => String(text).startsWith('echo'));
for (let left = 600; !heard() && left > 0; left -= 1) {
  await new Promise((done) => setTimeout(done, 50));
}
const uid = (await sekisho.engine.operator.getUser({ tenant: 'acme', user: 'yuki@acme.example' }))
  .uid;
await sekisho.engine.operator.revokeSessions({
  ...{ scope: 'user', tenant: 'acme', user: uid, reason: null, waitMs: null },
});
const over = () => printed.some(([text]) => text === 'over:');
for (let left = 600; !over() && left > 0; left -= 1) {
  await new Promise((done) => setTimeout(done, 50));
}
const said = { beforeLogin, wrong, name, orders, printed };
process.stdout.write(JSON.stringify(said), () => process.exit(0));
