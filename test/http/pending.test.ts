import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { cookieOf, startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
const silent = newId();

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  // A node that is a member and says nothing: nobody can know what it honours before its term has ended.
  await http.engine.record.members.join({
    id: silent,
    leaseMs: 10_000,
    toleranceMs: 20_000,
    version: 1,
    address: null,
  });
});
afterAll(() => http.close());

const PENDING = { effective: 'pending', members: 2, acknowledged: 1 };

describe('B3: while not every node is known to honour it', () => {
  test('B3 a forced logout is 202 pending with a deadline, and is over here at once', async () => {
    const user = await http.engine.makeUser(acme.caller, 'a@acme.example');
    const pair = await http.engine.open('acme', user.uid);
    const { accessToken: token } = acme.pair;
    const { status, body } = await http.send('POST', `/v1/admin/users/${user.uid}/revoke`, {
      token,
      json: { wait_ms: 200 },
    });
    expect(status).toBe(202);
    expect(body.revocation).toMatchObject(PENDING);
    expect(Date.parse(body.revocation.deadline)).toBeGreaterThan(Date.now());
    expect((await http.send('GET', '/v1/session', { token: pair.accessToken })).status).toBe(401);
    const later = await http.send('GET', `/v1/admin/revocations/${body.revocation.id}`, { token });
    expect([later.status, later.body.revocation.effective]).toEqual([200, 'pending']);
    const log = await http.send('GET', '/v1/admin/revocations', { token });
    expect(log.body.revocations[0]).toMatchObject({ id: body.revocation.id, ...PENDING });
    for (const one of log.body.revocations) expect(one).toMatchObject(PENDING);
  });

  test('B3 logout is 202 with the revocation, and takes the cookies back all the same', async () => {
    const login = await http.send('POST', '/v1/login', {
      json: { tenant: 'acme', email: acme.admin.email, password: PASSWORD, transport: 'cookie' },
    });
    const out = await http.send('POST', '/v1/logout', { cookie: cookieOf(login.headers) });
    expect([out.status, out.body.revocation.effective]).toEqual([202, 'pending']);
    expect(out.headers.getSetCookie()).toHaveLength(2);
  });

  test('B3 every call that revokes says so in its own answer', async () => {
    const admin = { token: acme.pair.accessToken };
    // A user for each call, so that none waits for another one.
    const someone = async () => {
      const user = await http.engine.makeUser(acme.caller, `${newId()}@acme.example`);
      return { path: `/v1/admin/users/${user.uid}`, uid: user.uid };
    };
    const session = async () => await http.engine.open('acme', (await someone()).uid);
    const { session: ending, accessToken } = await session();
    const calls = [
      ['DELETE', `/v1/sessions/${ending.sid}`, { token: accessToken }],
      ['POST', '/v1/sessions/revoke-others', { token: (await session()).accessToken }],
      [
        'POST',
        '/v1/reauthenticate',
        { token: (await session()).accessToken, json: { password: PASSWORD } },
      ],
      ['PATCH', (await someone()).path, { ...admin, json: { roles: ['billing'] } }],
      ['POST', `${(await someone()).path}/password-reset`, admin],
      ['DELETE', (await someone()).path, admin],
    ] as const;
    const answers = await Promise.all(
      calls.map(async ([method, target, sent]) => {
        const { status, body } = await http.send(method, target, sent);
        return [method, target, status, body.revocation?.effective];
      }),
    );
    expect(answers).toEqual(calls.map(([method, target]) => [method, target, 202, 'pending']));

    const policy = { ...DEFAULT_POLICY, access_ttl: 299 };
    const put = await http.send('PUT', '/v1/admin/policy', { ...admin, json: policy });
    expect([put.status, put.body.revocation.effective]).toEqual([202, 'pending']);
  });

  test('B3 BARRIER of a call that made several entries, everywhere is said when all of them are', async () => {
    const user = await http.engine.makeUser(acme.caller, 'changes@acme.example');
    const { accessToken: token } = await http.engine.open('acme', user.uid);
    const json = { current_password: PASSWORD, new_password: `${PASSWORD}-after` };
    const changed = await http.send('POST', '/v1/password', { token, json });
    const { id, position } = changed.body.revocation;
    const { generation } = http.engine.services.follower.status();
    const admin = { token: (await http.engine.open('acme', acme.admin.uid)).accessToken };
    const ask = async () => {
      const { body } = await http.send('GET', `/v1/admin/revocations/${id}`, admin);
      return [body.revocation.id, body.revocation.position, body.revocation.effective];
    };
    type Row = { readonly id: string; readonly position: number; readonly effective: string };
    // In the list, too, also where a page begins between the two.
    const listed = async (limit: number) => {
      const { body } = await http.send('GET', `/v1/admin/revocations?limit=${limit}`, admin);
      const next = `/v1/admin/revocations?limit=${limit}&cursor=${body.next_cursor}`;
      const rows: Row[] = [
        ...body.revocations,
        ...(limit === 1 ? (await http.send('GET', next, admin)).body.revocations : []),
      ];
      return rows
        .filter((row) => row.id === id || row.id === `${id}.1`)
        .map((row) => [row.position, row.effective]);
    };
    const rowsThat = (effective: string) => [
      [position + 1, effective],
      [position, effective],
    ];
    const acknowledge = (applied: number) =>
      http.engine.record.members.heartbeat(silent, generation ?? '', applied);
    // The floor ends the other sessions, the reissue behind it supersedes the token of this one.
    await acknowledge(position);
    expect(await ask()).toEqual([id, position, 'pending']);
    expect(await listed(50)).toEqual(rowsThat('pending'));
    expect(await listed(1)).toEqual(rowsThat('pending'));
    await acknowledge(position + 1);
    expect(await ask()).toEqual([id, position, 'everywhere']);
    expect(await listed(50)).toEqual(rowsThat('everywhere'));
    expect(await listed(1)).toEqual(rowsThat('everywhere'));
  });
});
