import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  askHolder,
  type DirectoryLock,
  lockDirectory,
} from '../../src/record/pglite/directory-lock.ts';

const built = new URL('../../dist/record/pglite/directory-lock.js', import.meta.url).href;
const program = `
  const { lockDirectory } = await import(${JSON.stringify(built)});
  try {
    await lockDirectory(process.argv[1]);
    console.log('held');
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.code ?? String(error));
  }`;

let directory: string;
let children: ChildProcess[];
let locks: DirectoryLock[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-lock-'));
  children = [];
  locks = [];
});

afterEach(async () => {
  for (const child of children) await end(child);
  for (const lock of locks) await lock.release();
  await rm(directory, { recursive: true, force: true });
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Starts a process that wants the lock; resolves with its first line. */
async function starter(dir = directory): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(
    createInterface({ input: child.stdout as NodeJS.ReadableStream }),
    'line',
  )) as [string];
  return { child, said: line };
}

async function lock(): Promise<DirectoryLock> {
  const held = await lockDirectory(directory);
  locks.push(held);
  return held;
}

describe('one process per data directory', () => {
  test('the second one is told who holds it', async () => {
    const held = await lock();
    held.serveAt('http://127.0.0.1:4000');
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      code: 'data_directory_in_use',
      message: expect.stringMatching(
        new RegExp(`process ${process.pid}, since 20.*Z, at http://127.0.0.1:4000`),
      ),
      members: { holder: held.holder },
    });
  });

  test('of many that start at once exactly one gets it, also right after a kill -9', async () => {
    for (let round = 0; round < 4; round += 1) {
      const started = await Promise.all(Array.from({ length: 6 }, () => starter()));
      const holders = started.filter(({ said }) => said === 'held');
      expect(holders).toHaveLength(1);
      expect(started.map(({ said }) => said).filter((said) => said !== 'held')).toEqual(
        Array(5).fill('data_directory_in_use'),
      );
      await Promise.all(holders.map(({ child }) => end(child)));
    }
  });

  test('a stopped holder still holds it', async () => {
    const { child } = await starter();
    child.kill('SIGSTOP');
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      code: 'data_directory_in_use',
      message: expect.stringContaining('does not answer'),
    });
  });

  test('neither a file that somebody left nor a copied directory holds anybody up', async () => {
    const { child } = await starter();
    const copy = `${directory}-copy`;
    try {
      await mkdir(copy);
      // Sockets cannot be copied as such everywhere; a plain file in their place must not matter either.
      for (const name of await readdir(directory)) await writeFile(join(copy, name), '');
      const second = await lockDirectory(copy);
      await second.release();
      await end(child);
      await lock();
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  });

  test('a released directory can be taken again, and leaves nothing behind', async () => {
    for (let round = 0; round < 5; round += 1) await (await lockDirectory(directory)).release();
    expect(await readdir(directory)).toEqual([]);
    await lock();
    expect(await readdir(directory)).toHaveLength(1);
  });

  test('a directory whose path is too long for a socket is locked all the same', async () => {
    const long = join(directory, 'a'.repeat(100), 'b'.repeat(60));
    await mkdir(long, { recursive: true });
    const held = await lockDirectory(long);
    try {
      expect((await starter(long)).said).toBe('data_directory_in_use');
      held.answer(() => 'here');
      expect(await askHolder(long, {}, 1000)).toEqual({ reply: 'here' });
    } finally {
      await held.release();
    }
  });

  test('what is no directory is refused with a sentence', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    await expect(lockDirectory(file)).rejects.toMatchObject({
      code: 'data_directory_unusable',
    });
  });
});

describe('the control socket', () => {
  test('carries commands to the holder, errors included, and only its user may open it', async () => {
    const held = await lock();
    expect(await askHolder(directory, { command: 'x' }, 1000)).toEqual({
      reply: { error: 'This process takes no commands yet.' },
    });
    held.answer(async (message) => ({ heard: message }));
    expect(await askHolder(directory, { command: 'x' }, 1000)).toEqual({
      reply: { heard: { command: 'x' } },
    });
    held.answer(() => Promise.reject(new Error('secret detail')));
    expect(JSON.stringify(await askHolder(directory, {}, 1000))).not.toContain('secret detail');
    const [socket = ''] = (await readdir(directory)).filter((name) => name.startsWith('lock-'));
    expect((await stat(join(directory, socket))).mode & 0o777).toBe(0o600);
  });

  test('long work tells how far it is, and may take longer than an answer', async () => {
    const held = await lock();
    held.answer(async (_message, onProgress) => {
      for (const done of [1, 2]) onProgress({ done, total: 2 });
      // The holder says by itself that it is still at work.
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      return 'done';
    });
    const heard: unknown[] = [];
    const asked = await askHolder(directory, {}, 5_000, (progress) => heard.push(progress));
    expect(asked).toEqual({ reply: 'done' });
    expect(heard).toEqual([1, 2].map((done) => ({ done, total: 2 })));
  });

  test('nobody there is null; somebody who does not answer is an error', async () => {
    expect(await askHolder(directory, {}, 1000)).toBeNull();
    const silent = createServer(() => {}).listen(join(directory, 'lock-0123456789ab.sock'));
    await once(silent, 'listening');
    try {
      await expect(askHolder(directory, {}, 200)).rejects.toMatchObject({
        code: 'data_directory_in_use',
      });
    } finally {
      silent.close();
    }
  });
});
