import { afterEach, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { BOOTSTRAP, call, cleanUp, login, sekisho, serve } from '../support/process.ts';

afterEach(cleanUp);

test('B1 B3 a server on PostgreSQL; commands join its nodes, and their revocations reach it', async () => {
  const database = await createTestDatabase(inject('postgresUrl'));
  const settings = {
    DATABASE_URL: database.url,
    SEKISHO_SECRET: 'a secret of the tests that is long enough',
  };
  try {
    // Tables are made without a secret, and nothing else is.
    const { DATABASE_URL } = settings;
    const planned = await sekisho(['migrate', '--dry-run', '--json'], { DATABASE_URL });
    expect(JSON.parse(planned.stdout)).toMatchObject({ migrated: false, kind: 'new' });
    expect(await sekisho(['tenant', 'list'], { DATABASE_URL })).toMatchObject({ code: 2 });
    // Nor by a command: an empty database may be the wrong one, and nobody's session has ended there.
    const nobody = await sekisho(['revoke', 'all', '--yes'], settings);
    expect(nobody).toMatchObject({ code: 1, stdout: '' });
    expect(nobody.stderr).toContain('No Sekisho has been set up in this database');
    const migrated = await sekisho(['migrate', '--json'], { DATABASE_URL });
    expect(migrated.code, migrated.stderr).toBe(0);
    expect(JSON.parse(migrated.stdout)).toMatchObject({ migrated: true, kind: 'new' });
    const server = await serve('unused', { ...BOOTSTRAP, ...settings });
    const before = await login(server.origin);
    expect(before.status).toBe(200);
    const made = await sekisho(
      ['tenant', 'create', 'skyline', '--admin-email', 'noor@skyline.example', '--json'],
      settings,
      'nine-bridges-in-rain\n',
    );
    expect(made).toMatchObject({ code: 0 });
    const looked = await sekisho(['doctor', '--json'], settings);
    const doctor = JSON.parse(looked.stdout);
    expect(doctor).toMatchObject({
      node: null,
      members: [{ self: false, address: server.operations, hub: { kind: 'postgres' } }],
    });
    expect(doctor.members[0].lease_left_ms).toBeTypeOf('number');
    for (const form of [[], ['--check'], ['--dry-run']]) {
      const again = await sekisho(['migrate', '--json', ...form], { DATABASE_URL });
      expect(again).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(again.stdout)).toMatchObject({
        ...{ migrated: false, kind: 'current' },
        members: [{ address: server.operations }],
      });
    }

    const reset = ['user', 'reset', '--tenant', 'harbor', BOOTSTRAP.SEKISHO_BOOTSTRAP_EMAIL];
    const done = await sekisho([...reset, '--link', '--json'], settings);
    expect(JSON.parse(done.stdout)).toMatchObject({ revocation: { effective: 'everywhere' } });
    const token = String(before.body.access_token);
    expect(await call(`${server.origin}/v1/session`, { token })).toMatchObject({
      status: 401,
      body: { code: 'session_revoked' },
    });

    // RESTORE: another generation, in whose first term nothing is said to be everywhere.
    const asNoor = { tenant: 'skyline', email: 'noor@skyline.example' };
    const body = { ...asNoor, password: 'nine-bridges-in-rain' };
    const noor = await call(`${server.origin}/v1/login`, { body });
    expect(noor.status).toBe(200);
    const good = String(noor.body.access_token);
    const unasked = await sekisho(['ops', 'restored', '--json'], settings);
    expect(unasked).toMatchObject({ code: 2, stdout: '' });
    expect((await call(`${server.origin}/v1/session`, { token: good })).status).toBe(200);
    const restored = await sekisho(['ops', 'restored', '--yes', '--json'], settings);
    expect(restored).toMatchObject({ code: 3 });
    expect(JSON.parse(restored.stdout)).toMatchObject({
      revocation: {
        ...{ effective: 'pending', scope: 'all', reason: 'restored' },
        deadline: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    });
    expect((await call(`${server.origin}/v1/session`, { token: good })).status).toBe(401);
    // Not waited for, it is no failure; people are told until when.
    const unwaited = await sekisho(['ops', 'restored', '--yes', '--wait', '0'], settings);
    expect(unwaited).toMatchObject({ code: 0 });
    expect(unwaited.stdout).toMatch(/everybody is logged out, but .* at the latest \d{4}-.*Z/);
    const often = await sekisho(['ops', 'restored', '--yes', '--wait', '31s'], settings);
    expect(often).toMatchObject({ code: 2, stdout: '' });
    expect(await server.end('SIGTERM')).toBe(0);
  } finally {
    await cleanUp();
    await database.drop();
  }
});
