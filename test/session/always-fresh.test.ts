import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createSekisho, type Sekisho } from '../../src/index.ts';
import { alwaysFresh } from '../../src/session/always-fresh.ts';
import type { Authenticator } from '../../src/session/authenticate.ts';
import { PASSWORD } from '../support/engine.ts';

let sekisho: Sekisho;
beforeAll(async () => {
  sekisho = await createSekisho({
    dataDir: ':memory:',
    logLevel: 'silent',
    strict: true,
    leaseMs: 10_000,
  });
});
afterAll(() => sekisho.close());

test('FRESH: every check asks, whatever the caller asked for, and keeps what else was asked', () => {
  const authenticate = vi.fn();
  const strict = alwaysFresh({ authenticate } as unknown as Authenticator);
  void strict.authenticate('token');
  void strict.authenticate('token', { fresh: false, roles: ['admin'] });
  expect(authenticate.mock.calls).toEqual([
    ['token', { fresh: true }],
    ['token', { fresh: true, roles: ['admin'] }],
  ]);
});

test('FRESH a strict instance has no tolerance, and each answer rests on a proof of its own', async () => {
  const { operator, logins, status } = sekisho.engine;
  const { admin } = await operator.createTenant({
    ...{ slug: 'acme', name: null, adminEmail: 'admin@acme.example', adminPassword: PASSWORD },
  });
  const { accessToken } = await logins.createSession(
    { tenant: 'acme', user: { uid: admin.uid }, amr: ['pwd'] },
    { requestId: 'r', ip: null, userAgent: null },
  );
  expect(status().toleranceMs).toBe(0);
  for (let round = 0; round < 3; round += 1) {
    const [before] = await operator.members();
    expect(await sekisho.authenticate(accessToken)).toMatchObject({ freshness: 'fresh' });
    const [after] = await operator.members();
    expect(after?.beat).toBeGreaterThan(before?.beat ?? Number.POSITIVE_INFINITY);
  }
});
