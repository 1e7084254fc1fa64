import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTrailSigning } from '../../src/audit/signing.ts';
import { newId } from '../../src/id.ts';
import type { RecordStore, StoredKey } from '../../src/record/contract.ts';
import { mintAccessToken } from '../../src/token/access-token.ts';
import { createKeyRing, makeSecret } from '../../src/token/secrets.ts';
import { openSigner } from '../../src/token/signing-key.ts';
import { makeSocketTicket } from '../../src/token/socket-ticket.ts';
import { codeOf, ORIGIN, SECRET, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openTestRecord, type TestRecord } from '../support/record.ts';

let opened: TestRecord;
let record: RecordStore;
const engines: TestEngine[] = [];

beforeAll(async () => {
  opened = await openTestRecord();
  record = { ...opened.record, close: async () => {} };
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await opened.close();
});

/** A node on the one record of this file. */
async function node(secret = SECRET): Promise<TestEngine> {
  const engine = await startTestEngine({ record, exclusive: false, secret });
  engines.push(engine);
  return engine;
}

/** The newest place in the log, which whoever forges a token would name. */
async function newest(at: TestEngine, token: string) {
  const { kid: _, ...claims } = await at.services.keys.verify(token);
  const { generation, head } = at.services.follower.status();
  const { audience, issuer } = at.engine;
  const now = Math.floor(at.services.follower.wallNowMs() / 1000);
  return {
    ...{ ...claims, audience, issuer, epoch: head, tokenEpoch: head },
    ...{ generation: generation ?? '', issuedAtSeconds: now, expiresAtSeconds: now + 300 },
  };
}

/** Tokens for `claims`, one by each of the stolen keys. */
function forged(keys: readonly StoredKey[], claims: Awaited<ReturnType<typeof newest>>) {
  const ring = createKeyRing(SECRET);
  return Promise.all(keys.map((key) => mintAccessToken(openSigner(ring, key), claims)));
}

/** What becomes of each token at each node. */
function seen(nodes: readonly TestEngine[], tokens: readonly string[]) {
  return Promise.all(
    nodes.flatMap(({ engine }) =>
      tokens.map(async (token) => {
        const { sessionId } = await engine.authentication
          .authenticate(token)
          .catch((error: { code: string }) => ({ sessionId: error.code }));
        return sessionId;
      }),
    ),
  );
}

/** What signs the audit trail, `hours` from now. */
function signing(secret: string, hours: number) {
  const wallNowMs = () => Date.now() + hours * 3_660_000;
  return createTrailSigning({ store: record.trail, ring: createKeyRing(secret), wallNowMs });
}

/** Ends every session on every node, as `sekisho revoke all` does. */
async function revokeAll(at: TestEngine): Promise<void> {
  const asked = { scope: 'all', reason: 'leaked', waitMs: 20_000 } as const;
  const { barrier } = await at.engine.operator.revokeSessions(asked);
  expect(barrier.effective).toBe('everywhere');
}

/** The look at the record that every node takes each minute. */
async function aMinuteLater(nodes: readonly TestEngine[]): Promise<void> {
  for (const { services } of nodes) await services.keys.refresh();
}

test('A14 a signing key that was leaked: rotation and revoke all leave it good, withdrawal ends it on every node', async () => {
  const nodes = [await node(), await node()] as const;
  const [first] = nodes;
  const { operator } = first.engine;
  const { admin } = await first.makeTenant('main');
  const pair = await first.open('main', admin.uid);
  const stolen = await record.keys.list();

  await operator.rotateKeys({ aheadMs: null, alg: null });
  await revokeAll(first);
  expect(await codeOf(first.engine.authentication.authenticate(pair.accessToken))).toBe(
    'session_revoked',
  );
  const claims = await newest(first, pair.accessToken);
  const before = await forged(stolen, claims);
  expect(await seen(nodes, before)).toEqual(Array(2).fill(claims.sid));

  // docs/operations.md: withdraw while the next key is coming, wait, and only then end the sessions.
  for (const { kid } of stolen) await operator.retireKey({ kid, withdraw: true });
  await aMinuteLater(nodes);
  await revokeAll(first);
  const after = await forged(
    stolen,
    await newest(first, (await first.open('main', admin.uid)).accessToken),
  );
  expect(await seen(nodes, [...before, ...after])).toEqual(Array(4).fill('invalid_token'));
  const again = await first.open('main', admin.uid);
  expect(await seen(nodes, [again.accessToken])).not.toContain('invalid_token');
});

test('A14 a secret that was leaked with a dump: after the ring, the keys and the sessions nothing made with it is good', async () => {
  const before = await node();
  const { tenant, admin } = await before.makeTenant('harbor');
  const { uid } = admin;
  await signing(SECRET, 0).signer();
  const dumped = await record.trail.keys();
  for (const engine of engines.splice(0)) await engine.close();
  const secret = makeSecret();
  const nodes = [await node(`${secret},${SECRET}`), await node(`${secret},${SECRET}`)] as const;
  const [first] = nodes;
  const { operator } = first.engine;
  const pair = await first.open('harbor', uid);
  const dump = (await record.keys.list()).filter(({ retiredAtMs }) => retiredAtMs === null);
  for (const key of await operator.listKeys()) {
    if (key.state !== 'gone') await operator.retireKey({ kid: key.kid, withdraw: true });
  }
  await aMinuteLater(nodes);
  await revokeAll(first);

  const mine = await first.open('harbor', uid);
  const claims = await newest(first, mine.accessToken);
  const tokens = await forged(dump, claims);
  expect(await seen(nodes, tokens)).toEqual(
    tokens.flatMap(() => ['invalid_token', 'invalid_token']),
  );
  expect(await codeOf(first.engine.logins.refresh(pair.refreshToken, ORIGIN))).toBe(
    'session_revoked',
  );
  // What signs now opens under the new secret alone, also for whoever copies the database again.
  const copied = (await record.keys.list()).filter(({ retiredAtMs }) => retiredAtMs === null);
  for (const key of copied) expect(() => openSigner(createKeyRing(SECRET), key)).toThrow();

  // As long as the old secret is in the ring, tickets for sockets can be made with it; so it goes, at once.
  const ticket = () =>
    makeSocketTicket(
      createKeyRing(SECRET),
      { ...claims, jti: newId(), sessionEndsAtMs: Date.now() + 3_600_000 },
      Date.now(),
    );
  const kept = await first.engine.sockets.redeemTicket(ticket());
  expect(kept.session.tenantId).toBe(tenant.tid);
  for (const engine of engines.splice(0)) await engine.close();
  const alone = await node(secret);
  expect(await codeOf(alone.engine.sockets.redeemTicket(ticket()))).toBe('invalid_token');
  expect(await seen([alone], [mine.accessToken, ...tokens])).toEqual([
    claims.sid,
    ...tokens.map(() => 'invalid_token'),
  ]);
  await alone.engine.logins.refresh(mine.refreshToken, ORIGIN);
  // Nothing signs the audit trail with a key that opens no more; the next one does, an hour or two later, by itself.
  const soon = signing(secret, 0);
  expect(await codeOf(soon.signer())).toBe('invalid_configuration');
  for (const hours of [1, 2, 3])
    await signing(secret, hours)
      .signer()
      .catch(() => undefined);
  const { kid } = await signing(secret, 3).signer();
  expect(dumped.map((key) => key.kid)).not.toContain(kid);
});
