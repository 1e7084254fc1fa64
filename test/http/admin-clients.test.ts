import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isId } from '../../src/id.ts';
import type { TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';
import { ask } from '../support/service-client.ts';

let http: TestApp;
let acme: TestTenant;
let token: string;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  token = acme.pair.accessToken;
});
afterAll(() => http.close());

const PATH = '/v1/admin/clients';

describe('service clients of a tenant', () => {
  test('ASVS 7.2.3 one is made, read and listed; its secret has 256 random bits and is shown once', async () => {
    const made = await http.send('POST', PATH, { token, json: { name: 'Büro 7' } });
    const { client, secret } = made.body;
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`${PATH}/${client.id}`);
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect(isId(client.id)).toBe(true);
    expect(client).toEqual({
      ...{ id: client.id, name: 'Büro 7', created_at: expect.any(String), last_used_at: null },
      ...{ secret_created_at: client.created_at, secret_expires_at: null },
      previous_secret_expires_at: null,
    });
    const [, random] = /^scs_[\w-]{22}\.([\w-]{43})$/.exec(secret) ?? [];
    expect(Buffer.from(random ?? '', 'base64url')).toHaveLength(32);
    const read = await http.send('GET', `${PATH}/${client.id}`, { token });
    expect(read.body).toEqual({ client });
    const list = await http.send('GET', PATH, { token });
    expect(list.body).toEqual({ clients: [client], next_cursor: null });
    // Nowhere else, not even in the record.
    const audit = await http.send('GET', '/v1/admin/audit', { token });
    for (const shown of [list.body, read.body, audit.body]) {
      expect(JSON.stringify(shown)).not.toContain(random);
    }
    const [row] = audit.body.events;
    expect(row).toMatchObject({
      ...{ action: 'client_created', subject: { kind: 'client', id: client.id } },
      ...{ actor: { kind: 'user', user_id: acme.admin.uid }, detail: { name: 'Büro 7' } },
    });
  });

  test('a new secret beside the old one; then the client goes', async () => {
    const made = await http.send('POST', PATH, { token, json: { name: 'a', expires_in: 3600 } });
    const { id } = made.body.client;
    const path = `${PATH}/${id}/secrets`;
    const added = await http.send('POST', path, { token, json: { overlap: 60 } });
    expect(added.status).toBe(201);
    expect(added.headers.get('location')).toBe(`${PATH}/${id}`);
    const { client } = added.body;
    const until = Date.parse(client.previous_secret_expires_at);
    expect(until - Date.parse(client.secret_created_at)).toBe(60_000);
    const answers = async () => {
      const codes = [];
      for (const { secret } of [made.body, added.body]) {
        const { status } = await ask(http.send, '/oauth/introspect', { id, secret }, 'x');
        codes.push(status);
      }
      return codes;
    };
    expect(await answers()).toEqual([200, 200]);
    const replaced = await http.send('POST', path, { token, json: { overlap: 0 } });
    const { secret } = replaced.body;
    expect(await answers()).toEqual([401, 401]);
    expect((await ask(http.send, '/oauth/introspect', { id, secret }, 'x')).status).toBe(200);
    const gone = await http.send('DELETE', `${PATH}/${id}`, { token });
    expect([gone.status, gone.body]).toEqual([204, null]);
    expect((await ask(http.send, '/oauth/introspect', { id, secret }, 'x')).status).toBe(401);
    for (const [method, at] of [
      ['GET', `${PATH}/${id}`],
      ['DELETE', `${PATH}/${id}`],
      ['POST', path],
    ] as const) {
      expect((await http.send(method, at, { token })).status).toBe(404);
    }
  });

  test.each([
    [{}, '/name'],
    [{ name: '' }, '/name'],
    [{ name: 'a\nb' }, '/name'],
    [{ name: 'x'.repeat(201) }, '/name'],
    [{ name: 'a', expires_in: 59 }, '/expires_in'],
    [{ name: 'a', expires_in: 60.5 }, '/expires_in'],
    [{ name: 'a', expires_in: '60' }, '/expires_in'],
    [{ name: 'a', secret: 'mine' }, '/secret'],
    [{ name: 'a', id: 'AAAAAAAAAAAAAAAAAAAAAA' }, '/id'],
  ])(
    'ASVS 15.3.3 %j is 422: nothing that a caller brings becomes an id or a secret',
    async (json, pointer) => {
      const { status, body } = await http.send('POST', PATH, { token, json });
      expect([status, body.errors[0].pointer]).toEqual([422, pointer]);
    },
  );

  test.each([{ overlap: -1 }, { overlap: 2_592_001 }, { overlap: null }, { expires_in: 1 }])(
    'a new secret with %j is 422',
    async (json) => {
      const path = `${PATH}/AAAAAAAAAAAAAAAAAAAAAA/secrets`;
      expect((await http.send('POST', path, { token, json })).status).toBe(422);
    },
  );

  test('A2 they are listed in pages', async () => {
    const own = await http.engine.makeTenant('many');
    const sent = { token: own.pair.accessToken };
    for (const name of ['a', 'b', 'c']) await http.send('POST', PATH, { ...sent, json: { name } });
    const names: string[] = [];
    for (let cursor = ''; names.length <= 3; ) {
      const { body } = await http.send('GET', `${PATH}?limit=1${cursor}`, sent);
      names.push(...body.clients.map(({ name }: { name: string }) => name));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(names).toEqual(['c', 'b', 'a']);
  });

  test('ASVS 8.3.2 a demoted administrator makes none', async () => {
    const second = await http.engine.makeUser(acme.caller, 'second@acme.example', ['admin']);
    const { accessToken } = await http.engine.open('acme', second.uid);
    await http.send('PATCH', `/v1/admin/users/${second.uid}`, {
      token,
      json: { roles: ['member'] },
    });
    const { status } = await http.send('POST', PATH, { token: accessToken, json: { name: 'x' } });
    expect(status).toBe(401);
  });
});
