// What one check of an access token costs inside the API process, ours and peers', in one run on one machine.
//
//   npm run bench            10,000 live tokens, 9 rounds
//   npm run bench -- 1000 5  1,000 live tokens, 5 rounds
//
// Each round measures every contestant once, in a new order, over the same tokens in the same random order. What is
// printed is the median of the rounds with the fastest and the slowest, and the ratio of the medians. Only ours knows
// whether the token was revoked; the peers check a signature (or remember that they did) and an expiry.
//
// A loop that awaits nothing but settled promises never lets the event loop turn, which no server does: heartbeats would
// stop and the lease run out. So each contestant gives way after every slice, outside the measured time.
import { setImmediate as turn } from 'node:timers/promises';
import { createVerifier } from 'fast-jwt';
import { createLocalJWKSet, exportSPKI, importJWK, jwtVerify } from 'jose';
import { createSekisho } from '../dist/index.js';

/** Checks between two turns of the event loop. */
const SLICE = 500;

const live = Number(process.argv[2] ?? 10_000);
const rounds = Number(process.argv[3] ?? 9);
if (!Number.isInteger(live) || live < 10 || !Number.isInteger(rounds) || rounds < 3) {
  console.error('usage: npm run bench -- [live tokens ≥ 10] [rounds ≥ 3]');
  process.exit(2);
}

const sekisho = await createSekisho({ dataDir: ':memory:', logLevel: 'error' });
const { tenant } = await sekisho.engine.operator.createTenant({
  slug: 'bench',
  name: null,
  adminEmail: 'admin@example.com',
  adminPassword: 'seven green bicycles',
});
console.error(`making ${live} sessions …`);
const tokens = [];
for (let i = 0; i < live; i += 1) {
  const pair = await sekisho.sessions.create({
    tenant: tenant.slug,
    user: { externalId: `user-${i}`, email: `user-${i}@example.com` },
    amr: ['pwd'],
  });
  tokens.push(pair.accessToken);
}
const order = tokens.map((_, i) => i).sort(() => Math.random() - 0.5);

const jwks = await sekisho.engine.jwks();
const keys = createLocalJWKSet({ keys: [...jwks.keys] });
const [first] = jwks.keys;
const pem = await exportSPKI(await importJWK(first, 'ES256', { extractable: true }));
const expected = { issuer: sekisho.engine.issuer, audience: sekisho.engine.audience };
const fastJwt = createVerifier({
  key: pem,
  algorithms: ['ES256'],
  allowedIss: expected.issuer,
  allowedAud: expected.audience,
  cache: live * 2,
});

/** A contestant checks one token; `seen` says how many checks a round has (unseen checks are slow). */
const contestants = [
  {
    name: 'sekisho.authenticate, token seen before',
    checks: live * 20,
    run: (token) => sekisho.authenticate(token),
  },
  {
    name: 'fast-jwt with its cache, token seen before',
    checks: live * 20,
    run: (token) => fastJwt(token),
  },
  {
    name: 'jose.jwtVerify (has no cache)',
    checks: Math.min(live, 2000),
    run: (token) => jwtVerify(token, keys, { ...expected, typ: 'at+jwt' }),
  },
];

for (const { run } of contestants) for (const token of tokens) await run(token);

const samples = new Map(contestants.map(({ name }) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const { name, checks, run } of contestants.toSorted(() => Math.random() - 0.5)) {
    globalThis.gc?.();
    let elapsed = 0n;
    for (let from = 0; from < checks; from += SLICE) {
      const start = process.hrtime.bigint();
      for (let i = from; i < Math.min(from + SLICE, checks); i += 1)
        await run(tokens[order[i % live]]);
      elapsed += process.hrtime.bigint() - start;
      await turn();
    }
    samples.get(name).push(Number(elapsed) / checks / 1000);
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const ours = median(samples.get(contestants[0].name));
console.log(`${live} live tokens, ${rounds} rounds, Node ${process.version}`);
for (const { name } of contestants) {
  const values = samples.get(name);
  const middle = median(values);
  console.log(
    `${name.padEnd(44)} ${middle.toFixed(2).padStart(8)} µs  (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})  ${(middle / ours).toFixed(1)} ×`,
  );
}
await sekisho.close();
