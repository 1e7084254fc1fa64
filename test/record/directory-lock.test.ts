import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLineServer } from '../../src/record/pglite/control-socket.ts';
import {
  askHolder,
  type DirectoryLock,
  lockDirectory,
} from '../../src/record/pglite/directory-lock.ts';
import { freePort } from '../../tools/services/ports.mjs';
import { Dice, randomFrom } from '../support/simulation/random.ts';

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

/** The same, and proves by a port, which the system gives to one process at a time, that nobody else holds it. */
const marked = `
  const { createServer } = await import('node:net');
  const { setTimeout: sleep } = await import('node:timers/promises');
  const { lockDirectory } = await import(${JSON.stringify(built)});
  const alone = () => new Promise((resolve) => {
    const mark = createServer().on('error', () => resolve(false));
    mark.listen({ host: '127.0.0.1', port: Number(process.argv[2]) }, () => resolve(true));
  });
  // All at the same moment: what takes long is to start.
  await sleep(Number(process.argv[3]) - Date.now());
  try {
    await lockDirectory(process.argv[1]);
    // A process that is being killed may keep the port for a moment.
    let free = await alone();
    for (let tries = 0; !free && tries < 250; tries += 1) { await sleep(20); free = await alone(); }
    console.log(free ? 'held' : 'two of us');
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.code ?? String(error));
  }`;

/** The same, and stops itself at the moment at which it has published its first socket, or its second one. */
const stoppingAt = (published: 1 | 2): string => `
  const fs = await import('node:fs');
  const { syncBuiltinESMExports } = await import('node:module');
  const rename = fs.renameSync;
  let published = 0;
  fs.default.renameSync = (...names) => {
    rename(...names);
    published += 1;
    if (published === ${published}) process.kill(process.pid, 'SIGSTOP');
  };
  syncBuiltinESMExports();
  ${program}`;

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

async function removeMarks(dir: string, which: RegExp): Promise<void> {
  const names = (await readdir(dir)).filter((name) => which.test(name));
  await Promise.all(names.map((name) => rm(join(dir, name), { force: true })));
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

  test('a released directory can be taken again, and says so where something is kept in it', async () => {
    for (let round = 0; round < 5; round += 1) await (await lockDirectory(directory)).release();
    expect(await readdir(directory)).toEqual([]);
    await writeFile(join(directory, 'secret'), '');
    for (let round = 0; round < 2; round += 1) await (await lockDirectory(directory)).release();
    expect((await readdir(directory)).sort()).toEqual(['.released', 'secret']);
    await rm(join(directory, 'secret'));
    await lock();
    expect((await readdir(directory)).sort()).toEqual([
      expect.stringMatching(/^\.held-/),
      expect.stringMatching(/^lock-.*\.sock$/),
    ]);
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

test('a start that fails while it asks the others holds nobody up afterwards', async () => {
  // Nobody listens there, and it cannot be taken away like a socket.
  const odd = join(directory, 'lock-0123456789ab.sock');
  await mkdir(odd);
  await expect(lockDirectory(directory)).rejects.toMatchObject({
    code: 'data_directory_unusable',
  });
  expect(await readdir(directory)).toEqual(['lock-0123456789ab.sock']);
  await rm(odd, { recursive: true });
  await lock();
});

describe('a copied directory', () => {
  /** As `cp -a` copies it: sockets too, as sockets. */
  function copied(options: string): string {
    const copy = join(outside, 'copy');
    execFileSync('cp', [options, directory, copy]);
    return copy;
  }
  let outside: string;
  beforeEach(async () => {
    outside = await mkdtemp(join(tmpdir(), 'sekisho-copy-'));
  });
  afterEach(() => rm(outside, { recursive: true, force: true }));

  test('is free while the original is held, and the other way round', async () => {
    const original = await starter();
    const copy = copied('-a');
    expect(await readdir(copy)).toEqual(await readdir(directory));
    const second = await starter(copy);
    expect([original.said, second.said]).toEqual(['held', 'held']);
    // Each still holds its own.
    expect((await starter()).said).toBe('data_directory_in_use');
    expect((await starter(copy)).said).toBe('data_directory_in_use');
    await end(original.child);
    expect((await starter()).said).toBe('held');
    expect((await starter(copy)).said).toBe('data_directory_in_use');
  });

  test('is free after the original was killed, with what it left behind', async () => {
    const { child } = await starter();
    await end(child);
    const copy = copied('-a');
    expect(await readdir(copy)).toHaveLength(2);
    expect((await starter(copy)).said).toBe('held');
    expect(await readdir(copy)).toHaveLength(2);
    expect((await starter()).said).toBe('held');
  });

  test('of hard links has the very files of the original, and is refused while that is held', async () => {
    const { child } = await starter();
    const copy = copied('-al');
    expect((await starter(copy)).said).toBe('data_directory_in_use');
    await end(child);
    expect((await starter(copy)).said).toBe('held');
  });

  test('is told from another name of the same directory, which is refused', async () => {
    const link = join(outside, 'link');
    await symlink(directory, link);
    await starter(link);
    expect((await starter()).said).toBe('data_directory_in_use');
    expect((await starter(join(link, '.', '..', 'link'))).said).toBe('data_directory_in_use');
  });
});

describe('whatever happens to processes', () => {
  test('a stopped holder that goes on holds it as before', async () => {
    const { child } = await starter();
    child.kill('SIGSTOP');
    expect((await starter()).said).toBe('data_directory_in_use');
    child.kill('SIGCONT');
    expect((await starter()).said).toBe('data_directory_in_use');
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      members: { holder: { pid: child.pid } },
    });
  });

  test.for([1, 2] as const)(
    'a starter that is stopped before it has asked anybody (%i published) is not passed over',
    async (published) => {
      const args = ['--input-type=module', '-e', stoppingAt(published), directory];
      const stopped = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(stopped);
      const lines = createInterface({ input: stopped.stdout });
      const isMark = (name: string): boolean => /^lock-.*sock$|^\.held-.*-/.test(name);
      await expect
        .poll(async () => (await readdir(directory)).filter(isMark), { timeout: 60_000 })
        .toHaveLength(published);
      expect((await starter()).said).toBe('data_directory_in_use');
      const said = once(lines, 'line');
      stopped.kill('SIGCONT');
      expect(await said).toEqual(['held']);
    },
  );

  test('starts, kills, stops and removed sockets at random never give two of them the directory', async () => {
    const seed = Number(process.env.SEKISHO_LOCK_SEED ?? Date.now() % 1_000_000_000);
    process.stderr.write(`  seed ${seed} (SEKISHO_LOCK_SEED)\n`);
    const dice = new Dice(randomFrom(seed));
    const port = String(await freePort());
    let held = 0;
    for (let round = 0; round < Number(process.env.SEKISHO_LOCK_ROUNDS ?? 5); round += 1) {
      const goAtMs = Date.now() + 1_000;
      const starts = Array.from({ length: dice.int(2, 6) }, async () => {
        const when = goAtMs + (dice.chance(0.7) ? 0 : dice.int(0, 30));
        const args = [directory, port, String(when)];
        const child = spawn(process.execPath, ['--input-type=module', '-e', marked, ...args], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        children.push(child);
        const gone = once(child, 'exit').then(() => 'killed');
        const lines = createInterface({ input: child.stdout });
        const said = once(lines, 'line').then(([line]) => String(line));
        // Some are killed at any moment of their start, some are stopped for a while.
        const fate = dice.int(1, 4);
        if (fate === 1) setTimeout(() => child.kill('SIGKILL'), dice.between(500, 1_300));
        if (fate === 2) {
          setTimeout(() => child.kill('SIGSTOP'), dice.between(900, 1_100));
          setTimeout(() => child.kill('SIGCONT'), dice.between(1_300, 1_900));
        }
        return Promise.race([said, gone]);
      });
      // Meanwhile somebody tidies up, and takes away what looks stale, or everything.
      for (let removal = dice.int(0, 6); removal > 0; removal -= 1) {
        await sleep(dice.int(50, 400));
        await removeMarks(directory, dice.chance(0.5) ? /^lock-/ : /^lock-|^\.held-|^\.released/);
      }
      const said = await Promise.all(starts);
      held += said.filter((one) => one === 'held').length;
      expect(said, `seed ${seed}`).not.toContain('two of us');
      // Whoever is left goes, and the next round begins with what they leave behind.
      for (const child of children) await end(child);
    }
    expect(held).toBeGreaterThan(0);
    expect((await starter()).said).toBe('held');
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

  test('what many kept checkpoints come to is carried; what is larger by far is refused in words', async () => {
    const held = await lock();
    held.answer((message) => (message as unknown[]).length);
    const tokens = Array.from({ length: 5_000 }, () => 'x'.repeat(480));
    expect(await askHolder(directory, tokens, 30_000)).toEqual({ reply: 5_000 });
    const tooLarge = ['x'.repeat(17 * 1024 * 1024)];
    await expect(askHolder(directory, tooLarge, 30_000)).rejects.toMatchObject({
      code: 'payload_too_large',
      message: expect.stringContaining('16 MiB'),
    });
  });

  test('a line that is too long is answered, whatever came before it and comes behind it', async () => {
    const path = join(directory, 'lines.sock');
    const server = createLineServer((message) => ({ heard: message }), 1_000).listen(path);
    await once(server, 'listening');
    const socket = createConnection({ path });
    try {
      const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
      const next = async () => JSON.parse((await lines.next()).value);
      socket.write('"one"\n');
      expect(await next()).toEqual({ heard: 'one' });
      // In many pieces, none of which is too long.
      for (let piece = 0; piece < 50; piece += 1) socket.write('x'.repeat(100));
      socket.write('\n"two"\n');
      expect(await next()).toMatchObject({ error: { code: 'payload_too_large' } });
      expect(await next()).toEqual({ heard: 'two' });
    } finally {
      socket.destroy();
      server.close();
    }
  });

  test('what the caller’s own onProgress throws is the caller’s, not the holder’s answer', async () => {
    const held = await lock();
    held.answer((_message, onProgress) => {
      onProgress({ done: 1, total: 2 });
      return 'done';
    });
    const asked = askHolder(directory, {}, 5_000, () => {
      throw new Error('no terminal');
    });
    await expect(asked).rejects.toThrow('no terminal');
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
