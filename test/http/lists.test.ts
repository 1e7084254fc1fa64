import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { routes } from '../../src/http/table.ts';
import { newId } from '../../src/id.ts';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import { createTestClock } from '../support/clock.ts';
import type { TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

/** Stands still, so that nobody's wait is over before it was listed, and no heartbeat is counted. */
const clock = createTestClock();
let http: TestApp;
let acme: TestTenant;
let token: string;
let uid: string;

beforeAll(async () => {
  http = await startTestApp({ clock }, { clock });
  acme = await http.engine.makeTenant('acme');
  token = acme.pair.accessToken;
  uid = acme.admin.uid;
  await http.engine.setPolicy(acme.caller, {
    max_sessions_per_user: 100,
    login_limit: { ...DEFAULT_POLICY.login_limit, account_attempts: 1 },
  });
  // The policy's change superseded the token.
  token = (await http.engine.open('acme', uid)).accessToken;
});
afterAll(() => http.close());

/** Every list route: answers with `next_cursor`. */
const lists = routes.filter(({ query }) => 'cursor' in query.shape);

function pathOf(template: string): string {
  return template.replace('{uid}', uid);
}

/** More rows for every list. */
async function grow(by: number): Promise<void> {
  for (let at = 0; at < by; at += 1) {
    // Some rows are of one time, others are not.
    await clock.advance(at % 2);
    await http.engine.open('acme', uid, `device ${at}`);
    const { engine } = http.engine;
    const made = await http.engine.callerOf({ accessToken: token });
    await engine.administration.createUser(made, {
      email: `${crypto.randomUUID()}@acme.example`,
      password: null,
      name: null,
      roles: null,
    });
    await engine.administration.createClient(made, { name: 'client', expiresInSeconds: null });
    const pair = await http.engine.open('acme', uid, 'short-lived');
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
    const email = `${crypto.randomUUID()}@acme.example`;
    for (let tries = 0; tries < 2; tries += 1) {
      await http.send('POST', '/v1/login', { json: { tenant: 'acme', email, password: 'x' } });
    }
  }
}

function rowsOf(body: Record<string, unknown>): readonly { id?: string; email?: string }[] {
  const [rows] = Object.values(body).filter(Array.isArray);
  return rows as readonly { id?: string; email?: string }[];
}

/** Statements of one request. */
async function statementsOf(path: string): Promise<number> {
  const before = http.engine.record.statementCount();
  const { status } = await http.send('GET', path, { token });
  expect(status).toBe(200);
  return http.engine.record.statementCount() - before;
}

describe('A6: lists', () => {
  test('A6 statements of a page do not grow with its rows, on any list route', async () => {
    await grow(2);
    const few = new Map<string, readonly [statements: number, rows: number]>();
    for (const { path } of lists) {
      const { body } = await http.send('GET', pathOf(path), { token });
      few.set(path, [await statementsOf(pathOf(path)), rowsOf(body).length]);
    }
    await grow(8);
    for (const { path } of lists) {
      const { body } = await http.send('GET', pathOf(path), { token });
      const [statements, rows] = few.get(path) ?? [0, 0];
      expect(rowsOf(body).length, path).toBeGreaterThan(rows);
      expect([path, await statementsOf(pathOf(path))]).toEqual([path, statements]);
    }
  });

  test('A6 the list of nodes, which is one page, takes as many statements for any number of them', async () => {
    const { members } = http.engine.record;
    const path = '/v1/admin/nodes';
    const statements = await statementsOf(path);
    const ids = Array.from({ length: 20 }, () => newId());
    for (const id of ids) {
      await members.join({ id, leaseMs: 750, toleranceMs: 0, version: 1, address: null });
    }
    const { body } = await http.send('GET', path, { token });
    expect(rowsOf(body)).toHaveLength(21);
    expect(await statementsOf(path)).toBe(statements);
    for (const id of ids) await members.leave(id);
  });

  test('A6 no route lists anything without being counted here', () => {
    const counted = new Set([...lists.map(({ path }) => path), '/v1/admin/nodes']);
    const listing = routes.filter(
      ({ responses }) =>
        responses[200] instanceof z.ZodObject && 'next_cursor' in responses[200].shape,
    );
    expect(listing.map(({ path }) => path).filter((path) => !counted.has(path))).toEqual([]);
    expect(listing).toHaveLength(counted.size);
  });

  test('A2 pages follow each other: every row once, in one order, and the last page says so', async () => {
    for (const { path } of lists) {
      const key = (row: { id?: string; email?: string }) => row.id ?? row.email;
      // Reading the audit trail writes nothing; whatever else is written now comes before the first page's cursor.
      const whole = await http.send('GET', `${pathOf(path)}?limit=200`, { token });
      const expected = rowsOf(whole.body).map(key);
      const seen: unknown[] = [];
      let cursor: string | null = null;
      let pages = 0;
      do {
        const query: string = cursor === null ? '?limit=3' : `?limit=3&cursor=${cursor}`;
        const { body } = await http.send('GET', pathOf(path) + query, { token });
        expect(rowsOf(body).length, path).toBeGreaterThan(0);
        seen.push(...rowsOf(body).map(key));
        cursor = body.next_cursor;
        pages += 1;
      } while (cursor !== null && pages < 200);
      expect(seen, path).toEqual(expected);
      expect(pages, path).toBe(Math.ceil(expected.length / 3));
    }
  });

  test('A2 a page of exactly the last rows has no cursor', async () => {
    const all = await http.send('GET', '/v1/admin/users?limit=200', { token });
    const { length } = rowsOf(all.body);
    const page = await http.send('GET', `/v1/admin/users?limit=${length}`, { token });
    expect(page.body.next_cursor).toBeNull();
    const less = await http.send('GET', `/v1/admin/users?limit=${length - 1}`, { token });
    expect(less.body.next_cursor).toEqual(expect.any(String));
  });

  test('A2 sessions of the tenant by state', async () => {
    const states = async (state: string) => {
      const { body } = await http.send('GET', `/v1/admin/sessions?limit=200&state=${state}`, {
        token,
      });
      return new Set(body.sessions.map((one: { state: string }) => one.state));
    };
    expect(await states('active')).toEqual(new Set(['active']));
    expect(await states('revoked')).toEqual(new Set(['revoked']));
    expect(await states('all')).toEqual(new Set(['active', 'revoked']));
    expect(await states('expired')).toEqual(new Set());
  });
});
