import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  COMMAND,
  call,
  cleanUp,
  copyOf,
  environment,
  freshDirectory,
  makeTemplate,
  sekisho,
  serve,
  start,
} from '../support/process.ts';

let template: string;
beforeAll(async () => {
  template = await makeTemplate();
});
afterEach(cleanUp);
afterAll(() => rmSync(template, { recursive: true, force: true }));

/** Runs a command whose standard output nobody reads any more, as when `head` has gone. */
async function unread(...args: readonly string[]) {
  const { child, exited, stderr } = start(args);
  // The other end is closed before the command has begun.
  child.stdout.destroy();
  child.stdin.end();
  return { code: await exited, stderr: stderr() };
}

test.each([[['--help']], [['tenant', '--help']], [['tenant', 'list', '--help']], [['--version']]])(
  'what is no longer read ends %j quietly, with the code of SIGPIPE',
  async (args) => {
    expect(await unread(...args)).toEqual({ code: 141, stderr: '' });
  },
);

test('B14 nor does an export go on that nobody reads; the server does not notice', async () => {
  const directory = copyOf(template);
  const server = await serve(directory);
  const at = ['--data-dir', directory];
  const exporting = ['audit', 'export', '--tenant', 'harbor'];
  expect(await unread(...exporting, ...at)).toEqual({ code: 141, stderr: '' });
  expect(await unread(...exporting, '--format', 'csv', ...at)).toEqual({ code: 141, stderr: '' });
  expect(await unread('tenant', 'list', '--json', ...at)).toEqual({ code: 141, stderr: '' });
  expect(await sekisho(['tenant', 'list', ...at])).toMatchObject({ code: 0 });
  expect(server.stderr()).not.toMatch(/EPIPE|"level"/);
});

test('a command whose complaint nobody reads fails as it would have', async () => {
  const { child, exited } = start(['no-such-command']);
  child.stderr.destroy();
  child.stdin.end();
  expect(await exited).toBe(2);
});

test('a server whose first line nobody reads serves, and ends in good order', async () => {
  const directory = copyOf(template);
  const { child, exited, stderr } = start(['serve', '--port', '0', '--data-dir', directory], {
    SEKISHO_LOG_LEVEL: 'info',
  });
  child.stdout.destroy();
  const status = async () => (await sekisho(['doctor', '--data-dir', directory])).code;
  let code: number | string = 1;
  for (let tries = 0; code !== 0 && tries < 100; tries += 1) code = await status();
  expect(code).toBe(0);
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  expect(stderr()).not.toContain('EPIPE');
});

test.runIf(existsSync('/dev/full'))(
  'a full disk behind standard output is said, and fails',
  async () => {
    for (const more of [[], ['--json']]) {
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, [COMMAND, 'user', '--help', ...more], {
        env: environment(),
        stdio: ['ignore', full, 'pipe'],
      });
      let stderr = '';
      child.stderr?.on('data', (chunk) => {
        stderr += String(chunk);
      });
      expect(await once(child, 'close')).toEqual([1, null]);
      expect(stderr).toBe(
        'sekisho: Standard output cannot be written: no space left on device (ENOSPC).\n',
      );
    }
  },
);

test('B14 of an export that does not fit nothing is left, and it says why in one line', async () => {
  const directory = copyOf(template);
  const { origin } = await serve(directory);
  for (let login = 0; login < 4; login += 1) {
    const body = { tenant: 'harbor', email: `nobody-${login}@harbor.example`, password: 'wrong' };
    expect((await call(`${origin}/v1/login`, { body })).status).toBe(401);
  }
  const output = join(freshDirectory(), 'trail.jsonl');
  const options = ['--tenant', 'harbor', '--data-dir', directory, '--output', output];
  const exporting = ['audit', 'export', ...options];
  // A file may not grow beyond 512 or 1024 bytes, by the shell.
  const child = spawn(
    'sh',
    ['-c', 'ulimit -f 1; exec "$0" "$@"', process.execPath, COMMAND, ...exporting],
    {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(stderr).toBe(`sekisho: ${output} cannot be written: file too large (EFBIG).\n`);
  expect(existsSync(output)).toBe(false);

  writeFileSync(output, 'of somebody else');
  const again = await sekisho([...exporting, '--json']);
  expect(again).toMatchObject({ code: 1, stdout: '' });
  expect(JSON.parse(again.stderr).error).toEqual({
    code: 'cannot_write',
    message: `${output} cannot be written: file already exists (EEXIST).`,
  });
  expect(existsSync(output)).toBe(true);
});
