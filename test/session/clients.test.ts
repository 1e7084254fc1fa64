import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import { newId } from '../../src/id.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import type { CallingClient, ClientWithSecret } from '../../src/session/contract.ts';
import { hashRefreshToken } from '../../src/token/refresh-token.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';
import { request } from '../support/requests.ts';

const DAY = 86_400;
const clock = createTestClock();
function pending(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

/** What of the record is away, and how often clients were looked up there. */
const store = {
  ...{ clientsAway: false, heartbeatsAway: false, suspended: false, lookUps: 0 },
  /** What was found goes on its way, and stays there until it is released. */
  held: null as { readonly found: () => void; readonly released: Promise<void> } | null,
  holdNext() {
    const found = pending();
    const released = pending();
    this.held = { found: found.resolve, released: released.promise };
    return { found: found.promise, release: released.resolve };
  },
};
/** What a primary that was cut off says of a refresh token, whatever has become of it; null: the record is asked. */
let said: Awaited<ReturnType<RecordStore['sessions']['ofLiveRefreshToken']>> = null;
let engine: TestEngine;
let tid: string;
let uid: string;

function watched(real: RecordStore): RecordStore {
  const away = () => new SekishoError('store_unavailable', 'An outage of the test.');
  return {
    ...real,
    clients: {
      ...real.clients,
      async credentials(...given) {
        store.lookUps += 1;
        if (store.clientsAway) throw away();
        const found = await real.clients.credentials(...given);
        const { held } = store;
        store.held = null;
        held?.found();
        await held?.released;
        return found !== null && store.suspended ? { ...found, tenantStatus: 'suspended' } : found;
      },
    },
    sessions: {
      ...real.sessions,
      ofLiveRefreshToken: async (...given) =>
        said ?? (await real.sessions.ofLiveRefreshToken(...given)),
    },
    members: {
      ...real.members,
      async heartbeat(...given) {
        if (store.heartbeatsAway) throw away();
        return real.members.heartbeat(...given);
      },
    },
  };
}

beforeAll(async () => {
  engine = await startTestEngine({ clock, record: watched((await openTestRecord()).record) });
  const { tenant, admin } = await engine.makeTenant('main');
  tid = tenant.tid;
  uid = admin.uid;
});
afterAll(() => engine.close());
beforeEach(async () => {
  Object.assign(store, { clientsAway: false, heartbeatsAway: false, suspended: false });
  said = null;
  await prove();
  store.lookUps = 0;
});

/** Lets time pass, no faster than the record answers, until the node is within its lease again. */
async function prove(): Promise<void> {
  for (let tries = 0; tries < 1000; tries += 1) {
    if (engine.services.follower.freshnessNow() === 'fresh') return;
    await clock.advance(5);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('the node found no way back');
}

/** An administrator with a token of now. */
const administrator = async () => engine.callerOf(await engine.open('main', uid));

async function makeClient(expiresInSeconds: number | null = null): Promise<ClientWithSecret> {
  const input = { name: 'billing', expiresInSeconds };
  return engine.engine.administration.createClient(await administrator(), input);
}

const authenticate = ({ client, secret }: ClientWithSecret): Promise<CallingClient> =>
  engine.engine.clients.authenticate({ id: client.cid, secret }, { ...ORIGIN, ip: null });

describe('who a service client is', () => {
  test('A6 a busy one costs the record a look-up in five seconds, and requests at once share it', async () => {
    const made = await makeClient();
    const all = await Promise.all(Array.from({ length: 50 }, () => authenticate(made)));
    expect(new Set(all).size).toBe(1);
    expect(all[0]).toEqual({ tenantId: tid, clientId: made.client.cid, name: 'billing' });
    const statements = engine.record.statementCount();
    await clock.advance(4_900);
    await prove();
    const afterwards = engine.record.statementCount() - statements;
    for (let times = 0; times < 200; times += 1) await authenticate(made);
    expect(engine.record.statementCount() - statements).toBe(afterwards);
    expect(store.lookUps).toBe(1);
    await clock.advance(200);
    await authenticate(made);
    expect(store.lookUps).toBe(2);
  });

  test('a deleted one is refused at once here, and within five seconds where nothing told of it', async () => {
    const [told, untold] = [await makeClient(), await makeClient()];
    await Promise.all([authenticate(told), authenticate(untold)]);
    await engine.engine.administration.deleteClient(await administrator(), told.client.cid);
    expect(await codeOf(authenticate(told))).toBe('invalid_client');
    // As another node would: the record alone knows.
    const change = { kind: 'client_delete', tid, cid: untold.client.cid } as const;
    await engine.record.log.commit([request({ change, nowMs: clock.wallMs() })]);
    await clock.advance(5_001);
    expect(await codeOf(authenticate(untold))).toBe('invalid_client');
  });

  test('BARRIER of a tenant that is suspended or deleted it is refused when the call returns, from the cache or not', async () => {
    const { operator } = engine.engine;
    for (const end of [
      (tenant: string) => operator.suspendTenant({ tenant, reason: null, waitMs: null }),
      (tenant: string) => operator.deleteTenant({ tenant, reason: null, waitMs: null }),
    ]) {
      const slug = `ending${newId().replace(/[^a-z0-9]/g, '')}`;
      const { tenant, caller } = await engine.makeTenant(slug);
      const made = await engine.engine.administration.createClient(caller, {
        ...{ name: 'billing', expiresInSeconds: null },
      });
      const neighbour = await makeClient();
      await Promise.all([authenticate(made), authenticate(neighbour)]);
      // The cache alone would let it in: no event of the hub is about a client here, and no second has passed.
      const { revocation } = await end(slug);
      expect(revocation?.barrier.effective).toBe('everywhere');
      expect(await codeOf(authenticate(made))).toBe('invalid_client');
      expect(await codeOf(authenticate(neighbour))).toBe('none');
      expect(tenant.slug).toBe(slug);
    }
  });

  test('BARRIER nor does it get in while the record is away, once its tenant was revoked', async () => {
    const { caller, tenant } = await engine.makeTenant('away');
    const made = await engine.engine.administration.createClient(caller, {
      ...{ name: 'billing', expiresInSeconds: null },
    });
    await authenticate(made);
    await engine.engine.operator.suspendTenant({ tenant: 'away', reason: null, waitMs: null });
    store.clientsAway = true;
    expect(await codeOf(authenticate(made))).toBe('store_unavailable');
    store.clientsAway = false;
    await engine.engine.operator.resumeTenant({ tenant: 'away' });
    expect(await authenticate(made)).toMatchObject({ tenantId: tenant.tid });
  });

  test('BARRIER a look-up that was under way while the tenant was suspended is made again', async () => {
    const { caller } = await engine.makeTenant('underway');
    const made = await engine.engine.administration.createClient(caller, {
      ...{ name: 'billing', expiresInSeconds: null },
    });
    const { found, release } = store.holdNext();
    const asked = authenticate(made);
    await found;
    await engine.engine.operator.suspendTenant({ tenant: 'underway', reason: null, waitMs: null });
    release();
    expect(await codeOf(asked)).toBe('invalid_client');
  });

  test('a new secret holds at once, the old one for its overlap, and never beyond its own end', async () => {
    const first = await makeClient(DAY);
    const { client } = first;
    await authenticate(first);
    const add = async (overlapSeconds: number) =>
      engine.engine.administration.addClientSecret(await administrator(), client.cid, {
        expiresInSeconds: null,
        overlapSeconds,
      });
    const second = await add(60);
    expect(second.client).toMatchObject({ cid: client.cid, secretEndsAtMs: null });
    expect(await codeOf(authenticate(first))).toBe('none');
    expect(await codeOf(authenticate(second))).toBe('none');
    const ends = (second.client.oldSecretEndsAtMs ?? 0) - clock.wallMs();
    expect(ends).toBeGreaterThan(55_000);
    expect(ends).toBeLessThanOrEqual(60_000);
    // Also for whoever asked a moment before: the end is known with the secret.
    await clock.advance(ends - 10);
    expect(await codeOf(authenticate(first))).toBe('none');
    await clock.advance(20);
    expect(await codeOf(authenticate(first))).toBe('invalid_client');
    const third = await add(0);
    expect(await codeOf(authenticate(second))).toBe('invalid_client');
    expect(await codeOf(authenticate(third))).toBe('none');
    expect(await codeOf(authenticate({ client, secret: first.secret }))).toBe('invalid_client');
  });

  test('a secret with an end is good until then', async () => {
    const made = await makeClient(60);
    await authenticate(made);
    await clock.advance((made.client.secretEndsAtMs ?? 0) - clock.wallMs() - 10);
    expect(await codeOf(authenticate(made))).toBe('none');
    await clock.advance(20);
    expect(await codeOf(authenticate(made))).toBe('invalid_client');
  });

  test('those of a suspended tenant are refused', async () => {
    const made = await makeClient();
    store.suspended = true;
    expect(await codeOf(authenticate(made))).toBe('invalid_client');
  });

  test('ASVS 16.5.2 in an outage: 503 for whom the node does not know, and a bound for whom it does', async () => {
    const [known, unknown] = [await makeClient(), await makeClient()];
    await authenticate(known);
    store.clientsAway = true;
    expect(await codeOf(authenticate(unknown))).toBe('store_unavailable');
    const wrong = { ...known, secret: `${known.secret.slice(0, -4)}AAAA` };
    expect(await codeOf(authenticate(wrong))).toBe('store_unavailable');
    await clock.advance(14_000);
    await prove();
    expect(await codeOf(authenticate(known))).toBe('none');
    await clock.advance(1_500);
    await prove();
    expect(await codeOf(authenticate(known))).toBe('store_unavailable');
    store.clientsAway = false;
    expect(await codeOf(authenticate(known))).toBe('none');
  });

  test('ASVS 16.5.2 a node that may not answer at all takes no old word for a client', async () => {
    const known = await makeClient();
    await authenticate(known);
    store.clientsAway = true;
    store.heartbeatsAway = true;
    await clock.advance(5_100);
    expect(engine.services.follower.freshnessNow()).toBe('stale');
    expect(await codeOf(authenticate(known))).toBe('none');
    await clock.advance(6_000);
    expect(engine.services.follower.freshnessNow()).toBe('unavailable');
    expect(await codeOf(authenticate(known))).toBe('store_unavailable');
  });

  test('its last use is known to a minute', async () => {
    const made = await makeClient();
    const lastUsed = async () =>
      (await engine.record.clients.get(tid, made.client.cid))?.lastUsedAtMs ?? null;
    const written = async (before: number | null) => {
      await expect.poll(lastUsed, { timeout: 60_000 }).not.toBe(before);
      return lastUsed();
    };
    expect(await lastUsed()).toBeNull();
    await authenticate(made);
    const first = await written(null);
    expect(Math.abs((first ?? 0) - clock.wallMs())).toBeLessThan(1_000);
    await clock.advance(30_000);
    await prove();
    await authenticate(made);
    expect(await lastUsed()).toBe(first);
    await clock.advance(31_000);
    await prove();
    await authenticate(made);
    expect(await written(first)).toBeGreaterThan((first ?? 0) + 60_000);
  });
});

describe('what a service client is told', () => {
  test('RFC 7662 ASVS 16.5.2 stale within the tolerance, then 503, never inactive', async () => {
    const calling = await authenticate(await makeClient());
    const pair = await engine.open('main', uid);
    const introspect = () => engine.engine.clients.introspect(calling, pair.accessToken);
    expect(await introspect()).toMatchObject({ active: true, freshness: 'fresh' });
    // A proof of this very moment, so that the lease begins here.
    await engine.engine.authentication.authenticate(pair.accessToken, { fresh: true });
    store.heartbeatsAway = true;
    await clock.advance(800);
    expect(await introspect()).toMatchObject({ active: true, freshness: 'stale' });
    await clock.advance(10_500);
    let refused: unknown = null;
    introspect().catch((error: unknown) => {
      refused = error;
    });
    // It waits for a heartbeat first.
    for (let tries = 0; tries < 1000 && refused === null; tries += 1) {
      await clock.advance(5);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(refused).toMatchObject({ code: 'store_unavailable', retryAfterSeconds: 1 });
  });

  test('RFC 7662 a token that has expired is not active, its refresh token is', async () => {
    const calling = await authenticate(await makeClient());
    const pair = await engine.open('main', uid);
    await clock.advance(301_000);
    await prove();
    const { clients } = engine.engine;
    expect(await clients.introspect(calling, pair.accessToken)).toEqual({ active: false });
    expect(await clients.introspect(calling, pair.refreshToken)).toMatchObject({
      ...{ active: true, use: 'refresh', sid: pair.session.sid },
    });
    // By an expired token a session is ended all the same, as by a logout.
    const { revocation } = await clients.revokeToken(calling, pair.accessToken, ORIGIN);
    expect(revocation?.subject.sid).toBe(pair.session.sid);
    expect(await clients.introspect(calling, pair.refreshToken)).toEqual({ active: false });
  });
});

describe('RFC 7662 section 2.2: iss is the issuer of the token', () => {
  test('while an issuer is changed, tokens of both are told by their own; after the overlap by who honours them', async () => {
    const { clients, operator } = engine.engine;
    const secret = await makeClient();
    const calling = await authenticate(secret);
    const issuerOf = async (token: string) => {
      const seen = await clients.introspect(calling, token);
      return seen.active ? seen.issuer : 'none';
    };
    const before = engine.engine.issuer;
    const pair = await engine.open('main', uid);
    const idle = await engine.open('main', uid);
    await clock.advance(5);
    const { activeFromMs } = await operator.changeIssuer({ issuer: 'https://next.example' });
    while (clock.wallMs() <= activeFromMs) await clock.advance(1_000);
    await prove();
    expect(engine.engine.issuer).toBe('https://next.example');
    expect(await issuerOf(pair.accessToken)).toBe(before);
    expect(await issuerOf(pair.refreshToken)).toBe(before);
    const next = await engine.engine.logins.refresh(pair.refreshToken, ORIGIN);
    expect(await issuerOf(next.accessToken)).toBe('https://next.example');
    expect(await issuerOf(next.refreshToken)).toBe('https://next.example');
    expect(await issuerOf(idle.refreshToken)).toBe(before);

    for (let minutes = 0; minutes < 20; minutes += 1) await clock.advance(60_000);
    await prove();
    expect((await operator.getIssuer()).accepted).toEqual(['https://next.example']);
    expect(await issuerOf(idle.refreshToken)).toBe('https://next.example');
  });
});

describe('FRESH a refresh token is judged by what this node knows, not by the record alone', () => {
  async function asked() {
    const calling = await authenticate(await makeClient());
    const pair = await engine.open('main', uid);
    const { sid } = pair.session;
    const hash = hashRefreshToken(pair.refreshToken);
    said = await engine.record.sessions.ofLiveRefreshToken(tid, sid, hash, clock.wallMs());
    expect(said).not.toBeNull();
    return { pair, ask: () => engine.engine.clients.introspect(calling, pair.refreshToken) };
  }

  test('revoked, and the record that is read has not heard of it', async () => {
    const { pair, ask } = await asked();
    expect(await ask()).toMatchObject({ active: true, use: 'refresh', freshness: 'fresh' });
    await engine.engine.logins.logout(pair, ORIGIN);
    expect(await ask()).toEqual({ active: false });
  });

  test('no proof of this moment is to be had: 503, also within the lease', async () => {
    const { ask } = await asked();
    await engine.services.follower.proveNow();
    store.heartbeatsAway = true;
    expect(engine.services.follower.freshnessNow()).toBe('fresh');
    let refused: unknown = null;
    ask().catch((error: unknown) => {
      refused = error;
    });
    for (let tries = 0; tries < 1000 && refused === null; tries += 1) {
      await clock.advance(5);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(refused).toMatchObject({ code: 'store_unavailable' });
  });
});

describe('the operator', () => {
  test('makes, lists, rotates and deletes clients of a tenant by its slug, and that is audited there', async () => {
    const { operator } = engine.engine;
    const page = { limit: 200, cursor: null };
    const made = await operator.createClient({
      ...{ tenant: 'main', name: 'ledger', expiresInSeconds: null },
    });
    expect(await authenticate(made)).toMatchObject({ tenantId: tid, name: 'ledger' });
    const { cid } = made.client;
    const listed = await operator.listClients({ tenant: 'main', page });
    expect(listed[0]).toMatchObject({ cid, name: 'ledger' });
    const rotated = await operator.addClientSecret({
      ...{ tenant: 'main', id: cid, expiresInSeconds: null, overlapSeconds: null },
    });
    const overlap = (rotated.client.oldSecretEndsAtMs ?? 0) - rotated.client.secretMadeAtMs;
    expect(overlap).toBe(DAY * 1000);
    expect(await operator.deleteClient({ tenant: 'main', id: cid })).toEqual({ deleted: cid });
    for (const one of [made, rotated]) {
      expect(await codeOf(authenticate(one))).toBe('invalid_client');
    }
    const rows = await engine.record.audit.list(tid, {}, page);
    const ours = rows.filter(({ subject }) => subject?.id === cid).map(({ action }) => action);
    expect(ours.sort()).toEqual(['client_created', 'client_deleted', 'client_secret_added']);
    for (const row of rows.filter(({ subject }) => subject?.id === cid)) {
      expect(row.actor.kind).toBe('operator');
      expect(JSON.stringify(row)).not.toContain('scs_');
    }
  });

  test('says what there is not, and what a client cannot be', async () => {
    const { operator } = engine.engine;
    const none = { tenant: 'nowhere', name: 'x', expiresInSeconds: null };
    expect(await codeOf(operator.createClient(none))).toBe('not_found');
    expect(await codeOf(operator.deleteClient({ tenant: 'main', id: newId() }))).toBe('not_found');
    for (const [name, expiresInSeconds] of [
      ['', null],
      ['x'.repeat(201), null],
      ['x', 59],
      ['x', 1e9],
      ['x', 60.5],
    ] as const) {
      const made = operator.createClient({ tenant: 'main', name, expiresInSeconds });
      expect([name.length, expiresInSeconds, await codeOf(made)]).toEqual([
        ...[name.length, expiresInSeconds, 'validation_failed'],
      ]);
    }
  });
});
