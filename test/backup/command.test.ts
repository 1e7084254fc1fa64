import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  call,
  cleanUp,
  copyOf,
  type Finished,
  freshDirectory,
  login,
  makeTemplate,
  sekisho,
  serve,
  start,
} from '../support/process.ts';

vi.setConfig({ testTimeout: 240_000 });

let template: string;
beforeAll(async () => {
  template = await makeTemplate();
});
afterEach(cleanUp);
afterAll(() => rmSync(template, { recursive: true, force: true }));

/** One line on standard error, nothing on standard output. */
function expectRefused(finished: Finished, code: number, words: string | RegExp): void {
  expect(finished).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(words) });
  expect(finished.stderr.trim().split('\n')).toHaveLength(1);
}

describe('sekisho backup and sekisho restore', () => {
  test('A8 a server is backed up while it runs, and restored on another machine that has its secret', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const { body: before } = await login(server.origin);
    const file = join(freshDirectory(), 'one.backup');
    const at = (args: readonly string[], dir = directory): Promise<Finished> =>
      sekisho([...args, '--data-dir', dir]);

    const made = await at(['backup', file, '--json']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const { backup } = JSON.parse(made.stdout);
    expect(backup).toMatchObject({ path: file, bytes: statSync(file).size });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // Nothing is left of what it was read from.
    expect(readdirSync(directory).filter((name) => name.startsWith('postgres'))).toEqual([
      'postgres',
    ]);
    expectRefused(await at(['backup', file]), 1, 'is there already');

    const logout = await call(`${server.origin}/v1/logout`, {
      body: {},
      token: before.access_token,
    });
    expect(logout.status).toBe(204);
    const running = await at(['restore', file, '--replace']);
    expectRefused(running, 1, `in use by process ${server.child.pid}`);
    expect((await login(server.origin)).status).toBe(200);
    await server.end('SIGTERM');

    const other = freshDirectory();
    const place = join(other, 'data');
    expectRefused(await at(['restore', file], place), 2, 'SEKISHO_SECRET must be set');
    expect(existsSync(place)).toBe(false);
    const secret = readFileSync(join(directory, 'secret'), 'utf8').trim();
    const checked = await sekisho(['restore', file, '--check', '--data-dir', place], {
      SEKISHO_SECRET: secret,
    });
    expect(checked).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('is whole'),
    });
    const settings = { SEKISHO_SECRET: secret };
    const restored = await sekisho(['restore', file, '--data-dir', place, '--json'], settings);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(restored.stdout).restored).toMatchObject({
      rows: backup.rows,
      position: backup.position + 1,
    });

    const next = await serve(place, settings);
    const stale = { body: { refresh_token: before.refresh_token } };
    const refresh = await call(`${next.origin}/v1/refresh`, stale);
    expect(refresh.status).toBe(401);
    const me = await call(`${next.origin}/v1/session`, { token: before.access_token });
    expect(me.status).toBe(401);
    expect((await login(next.origin)).status).toBe(200);
    await next.end('SIGTERM');
  });

  test('A8 a stopped server is backed up too; what is there goes only with --replace; a bad file changes nothing', async () => {
    const directory = copyOf(template);
    const folder = freshDirectory();
    const at = (args: readonly string[]): Promise<Finished> =>
      sekisho([...args, '--data-dir', directory]);
    // A directory gets a file that is named after the time.
    const made = await at(['backup', folder]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const [name = ''] = readdirSync(folder);
    expect(name).toMatch(/^sekisho-\d{8}T\d{9}Z\.backup$/);
    const file = join(folder, name);
    expectRefused(await at(['restore', file]), 1, 'holds a database already');

    const bad = join(folder, 'bad.backup');
    writeFileSync(bad, readFileSync(file).subarray(0, 3000));
    expectRefused(await at(['restore', bad, '--replace']), 1, 'was cut off');
    const json = await at(['restore', bad, '--replace', '--json']);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'backup_unusable' } });
    expect(await at(['restore', file, '--replace'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('everybody is logged out'),
    });
    const server = await serve(directory);
    expect((await login(server.origin)).status).toBe(200);
    await server.end('SIGTERM');
  });

  test('A8 --every goes on until it is ended, and keeps the newest N', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const folder = join(freshDirectory(), 'backups');
    const args = [
      'backup',
      folder,
      '--every',
      '1m',
      '--keep',
      '2',
      '--data-dir',
      directory,
      '--json',
    ];
    // Of days before; the newest is older than the span, so the next one is due at once.
    mkdirSync(folder);
    const old = [1, 2, 3].map((day) => `sekisho-2026010${day}T120000000Z.backup`);
    for (const name of [...old, 'mine.backup']) writeFileSync(join(folder, name), '');
    const { child, stdout, exited } = start(args);
    await vi.waitFor(() => expect(stdout()).toContain('\n'), { timeout: 100_000, interval: 200 });
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    const { path } = JSON.parse(stdout()).backup;
    expect(readdirSync(folder).sort()).toEqual(['mine.backup', old[2], basename(path)]);
    await server.end('SIGTERM');
    expectRefused(await sekisho(['backup', folder, '--every', 'often']), 2, 'must be a time span');
    expectRefused(await sekisho(['backup', folder, '--keep', '3']), 2, 'belongs to --every');
  });

  test('A8 a server backs itself up with SEKISHO_BACKUP_DIR', async () => {
    const directory = copyOf(template);
    const folder = join(freshDirectory(), 'backups');
    const server = await serve(directory, {
      SEKISHO_BACKUP_DIR: folder,
      SEKISHO_BACKUP_EVERY: '1h',
    });
    await vi.waitFor(() => expect(existsSync(folder) && readdirSync(folder)).toHaveLength(1), {
      timeout: 60_000,
      interval: 100,
    });
    await vi.waitFor(() => expect(readdirSync(folder)[0]).toMatch(/^sekisho-/), {
      timeout: 60_000,
    });
    // Whoever watches it learns of that, and of one that is due and does not come.
    const figures = async (): Promise<string> =>
      await (await fetch(`${server.operations}/metrics`)).text();
    await vi.waitFor(
      async () =>
        expect(await figures()).toMatch(/^sekisho_backup_last_success_timestamp_seconds \d+/m),
      { timeout: 60_000 },
    );
    expect(await figures()).toContain('\nsekisho_backup_failures_total 0\n');
    expect(await figures()).toContain('\nsekisho_backup_overdue 0\n');
    const doctor = await sekisho(['doctor', '--data-dir', directory]);
    expect(doctor).toMatchObject({ code: 0, stderr: '' });
    expect(doctor.stdout).toMatch(/^backups {4}one each 1 h, the last one \S+ s ago/m);
    await server.end('SIGTERM');
    const file = join(folder, readdirSync(folder)[0] ?? '');
    expect(await sekisho(['restore', file, '--check', '--data-dir', directory])).toMatchObject({
      code: 0,
    });
    const url = 'postgres://nobody@127.0.0.1:1/none';
    const settings = {
      DATABASE_URL: url,
      SEKISHO_SECRET: 'x'.repeat(32),
      SEKISHO_BACKUP_DIR: folder,
    };
    expectRefused(await sekisho(['serve'], settings), 2, 'SEKISHO_BACKUP_DIR');
  });

  test('A8 kill -9 in the middle leaves nothing under the name, and the server goes on', async () => {
    const directory = copyOf(template);
    const folder = freshDirectory();
    const file = join(folder, 'one.backup');
    let server = await serve(directory);
    // By the server; killed as soon as it has begun to copy or to write.
    const asked = start(['backup', file, '--data-dir', directory]);
    await vi.waitFor(
      () => {
        const begun = [...readdirSync(directory), ...readdirSync(folder)];
        expect(begun.some((name) => name.startsWith('postgres.copy-'))).toBe(true);
      },
      { timeout: 60_000, interval: 5 },
    );
    await server.end('SIGKILL');
    expect(await asked.exited).toBe(1);
    expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual([]);
    // The next start takes away what was left.
    server = await serve(directory);
    expect((await login(server.origin)).status).toBe(200);
    expect(readdirSync(directory).filter((name) => name.startsWith('postgres'))).toEqual([
      'postgres',
    ]);
    expect(await sekisho(['backup', file, '--data-dir', directory])).toMatchObject({ code: 0 });
    await server.end('SIGTERM');
  });
});
