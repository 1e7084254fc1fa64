import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createLogger } from '../../src/observe/logger.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { startClusterNode } from '../support/cluster-node.ts';
import { codeOf, ORIGIN, PASSWORD, SECRET } from '../support/engine.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
});
afterAll(() => database?.drop());

/** Everything an error could show. */
function printed(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)));
  return [...own, JSON.stringify(error), printed(error.cause ?? '')].join('\n');
}

describe('ASVS 16.2.5: a node on PostgreSQL', () => {
  test('ASVS 16.2.5 A8 a wrong password is refused without telling it, and a login works without telling the right one', async () => {
    const password = new URL(database.url).password;
    expect(password.length).toBeGreaterThan(10);
    const lines: string[] = [];
    const log = createLogger('trace', (line) => lines.push(line));
    const wrong = new URL(database.url);
    wrong.password = 'Rv9-wrong-lantern';
    const refused = await startClusterNode({ databaseUrl: wrong.href, log }).then(
      () => 'it was started',
      printed,
    );
    expect(refused).toContain('DATABASE_URL');
    const node = await startClusterNode({ databaseUrl: database.url, log });
    const secrets = [password, wrong.password, SECRET, PASSWORD];
    try {
      const { engine } = node;
      const made = await engine.operator.createTenant({
        ...{ slug: 'main', name: null, adminEmail: 'ann@main.example', adminPassword: PASSWORD },
      });
      const user = { uid: made.admin.uid };
      const pair = await engine.logins.createSession(
        { tenant: 'main', user, amr: ['pwd'] },
        ORIGIN,
      );
      const next = await engine.logins.refresh(pair.refreshToken, ORIGIN);
      for (const one of [pair, next]) {
        secrets.push(one.accessToken.split('.')[2] ?? '', one.refreshToken.split('.')[2] ?? '');
      }
      // The record fails under them: whatever a driver says of a statement stands in the log.
      const renamed = 'alter table sekisho.login_attempt rename to gone';
      const { openPostgres } = await import('../../src/record/postgres/open.ts');
      const hand = await openPostgres({ url: database.url, max: 1 });
      await hand.query({ text: renamed });
      const login = engine.logins.login(
        {
          tenant: 'main',
          email: 'ann@main.example',
          password: PASSWORD,
          device: null,
          deviceToken: null,
        },
        ORIGIN,
      );
      const failed = await login.then(() => 'it worked', printed);
      await hand.query({ text: 'alter table sekisho.gone rename to login_attempt' });
      await hand.close();
      expect(failed).toContain('login_attempt');
      lines.push(failed);
      expect(await codeOf(engine.logins.refresh(`${next.refreshToken}x`, ORIGIN))).not.toBe('none');
    } finally {
      await node.close();
    }
    const told = [...lines, refused].join('\n');
    for (const [index, secret] of secrets.entries()) {
      expect(secret.length).toBeGreaterThan(12);
      expect(told.includes(secret), `secret ${index}`).toBe(false);
    }
  });
});
