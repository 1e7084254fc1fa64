// What an introspection costs, beside forward authentication of the same token on the same surface, in one run.
//
//   npm run bench:introspect        2,000 requests a row, 5 rounds
//
// Everything goes through `sekisho.fetch` in one process, without sockets, embedded and in memory: so it is the work of
// Sekisho that is compared, and no network. The rows take turns within each round; printed are the medians of the rounds.
const { createSekisho } = await import('../dist/index.js');

const requests = Number(process.argv[2] ?? 2_000);
const rounds = Number(process.argv[3] ?? 5);
const base = 'http://127.0.0.1:4000';

const sekisho = await createSekisho({ dataDir: ':memory:', logLevel: 'error' });
const { operator } = sekisho.engine;
const tenant = 'bench';
await operator.createTenant({
  ...{ slug: tenant, name: null },
  ...{ adminEmail: 'admin@example.com', adminPassword: 'seven green bicycles' },
});
const pair = await sekisho.sessions.create({
  ...{ tenant, amr: ['pwd'], user: { externalId: 'u', email: 'u@example.com' } },
});
const makeClient = () => operator.createClient({ tenant, name: 'bench', expiresInSeconds: null });
const client = await makeClient();
/** Each asks once, so each is looked up in the record. */
const strangers = [];
for (let n = 0; n < 200 * rounds; n += 1) strangers.push(await makeClient());

/** @param {{ client: { cid: string }, secret: string }} by @param {string} token */
const introspect = (by, token) =>
  new Request(`${base}/oauth/introspect`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${by.client.cid}:${by.secret}`)}` },
    body: new URLSearchParams({ token }),
  });

const rows = [
  {
    name: 'GET /v1/authenticate, token seen before',
    count: requests,
    make: () =>
      new Request(`${base}/v1/authenticate`, {
        headers: { authorization: `Bearer ${pair.accessToken}` },
      }),
  },
  {
    name: 'introspection of that access token',
    count: requests,
    make: () => introspect(client, pair.accessToken),
  },
  {
    name: 'introspection of a refresh token',
    count: requests / 10,
    make: () => introspect(client, pair.refreshToken),
  },
  {
    name: 'introspection by a client not seen for 5 s',
    count: 200,
    make: () => introspect(strangers.pop() ?? client, pair.accessToken),
  },
];

/** @type {Map<string, number[]>} */
const samples = new Map(rows.map(({ name }) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  const order = rows.toSorted(() => Math.random() - 0.5);
  for (const { name, count, make } of order) {
    const asked = Array.from({ length: count }, make);
    const begun = performance.now();
    for (const request of asked) {
      const answer = await sekisho.fetch(request);
      if (answer.status !== 200) throw new Error(`${name}: ${answer.status}`);
    }
    samples.get(name)?.push(((performance.now() - begun) * 1000) / count);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
for (const [name, all] of samples) {
  const sorted = all.toSorted((a, b) => a - b);
  const [median, least, most] = [sorted.length >> 1, 0, sorted.length - 1].map((at) =>
    (sorted[at] ?? 0).toFixed(0).padStart(6),
  );
  console.log(`${name.padEnd(46)} ${median} µs (${least} to ${most})`);
}
await sekisho.close();
