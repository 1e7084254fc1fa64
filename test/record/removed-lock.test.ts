import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  askHolder,
  type DirectoryLock,
  lockDirectory,
} from '../../src/record/pglite/directory-lock.ts';
import { directoryToken } from '../../src/record/pglite/lock-marks.ts';
import { openSocketDirectory } from '../../src/record/pglite/socket-path.ts';
import * as listeners from '../../src/record/pglite/unix-listeners.ts';
import { Dice, randomFrom } from '../support/simulation/random.ts';

vi.mock(import('../../src/record/pglite/unix-listeners.ts'), { spy: true });

/** What a tidy person removes, and what nobody should be able to rely on. */
const STALE = /^lock-/;
const EVERYTHING = /^lock-|^\.held-|^\.released$/;

const built = new URL('../../dist/record/pglite/directory-lock.js', import.meta.url).href;
/** Says `held`, and `lost` when it is. */
const program = `
  const { lockDirectory } = await import(${JSON.stringify(built)});
  const lock = await lockDirectory(process.argv[1]);
  console.log('held');
  await Promise.race([lock.lost, new Promise((done) => setTimeout(done, 120_000))]);
  console.log('lost');
  await lock.release();
  process.exit();`;

let directory: string;
let locks: DirectoryLock[];
let children: ChildProcess[];

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'sekisho-removed-')), 'data');
  mkdirSync(directory);
  // As after a first start: there is something that two could have open.
  mkdirSync(join(directory, 'postgres'));
  writeFileSync(join(directory, '.released'), '');
  locks = [];
  children = [];
});
afterEach(async () => {
  vi.mocked(listeners.listenersIn).mockReset();
  for (const child of children) {
    const gone = child.exitCode ?? child.signalCode;
    if (gone !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  for (const lock of locks) await lock.release();
  rmSync(join(directory, '..'), { recursive: true, force: true });
});

async function lock(at = directory): Promise<DirectoryLock> {
  const held = await lockDirectory(at);
  locks.push(held);
  return held;
}

function remove(which: RegExp, at = directory): void {
  for (const name of readdirSync(at)) if (which.test(name)) rmSync(join(at, name), { force: true });
}

/** As for processes of two containers that share the directory: neither sees the other's sockets but by their files. */
function separateNetworks(): void {
  vi.mocked(listeners.listenersIn).mockReturnValue([]);
}

async function holder(): Promise<{ child: ChildProcess; says(): Promise<string> }> {
  const args = ['--input-type=module', '-e', program, directory];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const says = async (): Promise<string> => String((await lines.next()).value);
  expect(await says()).toBe('held');
  return { child, says };
}

/**
 * Listens on what would be the mark of a holder, elsewhere, and puts a way to the directory in the place of that folder.
 * Of another user where the tests may choose one: who cannot enter the directory.
 */
const pretender = `
  const { createServer } = await import('node:net');
  const { mkdirSync, mkdtempSync, renameSync, symlinkSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const [, directory, name] = process.argv;
  const base = mkdtempSync(tmpdir() + '/sekisho-pretender-');
  mkdirSync(base + '/e');
  createServer().listen(base + '/e/' + name, () => {
    renameSync(base + '/e', base + '/old');
    symlinkSync(directory, base + '/e');
    console.log(base);
  });
  setTimeout(() => {}, 120_000);`;

async function pretend(name: string): Promise<string> {
  const args = ['--input-type=module', '-e', pretender, directory, name];
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...{ cwd: '/', ...user },
  });
  children.push(child);
  const [base] = await once(createInterface({ input: child.stdout }), 'line');
  return String(base);
}

const refused = { code: 'data_directory_in_use' };

describe('the lock is removed while somebody holds the directory', () => {
  test('rm lock-*.sock: the next start is refused at once, and told by whom, however often', async () => {
    const held = await lock();
    for (let round = 0; round < 30; round += 1) {
      remove(STALE);
      await expect(lockDirectory(directory)).rejects.toMatchObject({
        ...refused,
        members: { holder: { pid: process.pid } },
      });
    }
    expect(await held.held()).toBe(true);
    held.answer(() => 'here');
    remove(STALE);
    expect(await askHolder(directory, {}, 5_000)).toEqual({ reply: 'here' });
  });

  test('all of it, at any moment of a start: the holder puts it back, and the start is refused', async () => {
    separateNetworks();
    const held = await lock();
    const dice = new Dice(randomFrom(7));
    for (let round = 0; round < 4; round += 1) {
      remove(EVERYTHING);
      const starting = lockDirectory(directory);
      const said = expect(starting).rejects.toMatchObject(refused);
      for (let left = dice.int(0, 3); left > 0; left -= 1) {
        await sleep(dice.int(0, 300));
        remove(EVERYTHING);
      }
      await said;
    }
    expect(await held.held()).toBe(true);
    expect(readdirSync(directory).filter((name) => EVERYTHING.test(name))).toHaveLength(2);
  });

  test('a holder that is asked whether it holds puts it back before it says so', async () => {
    const held = await lock();
    remove(EVERYTHING);
    const answer = held.held();
    expect(answer).not.toBe(true);
    expect(await answer).toBe(true);
    expect(held.held()).toBe(true);
    expect(readdirSync(directory).filter((name) => EVERYTHING.test(name))).toHaveLength(2);
  });

  test('all of it, and the holder is stopped: the system knows that somebody listens', async () => {
    const { child, says } = await holder();
    child.kill('SIGSTOP');
    remove(EVERYTHING);
    await expect(lockDirectory(directory)).rejects.toMatchObject(refused);
    child.kill('SIGCONT');
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      members: { holder: { pid: child.pid } },
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await says()).toBe('undefined');
    await lock();
  });

  test('all of it, the holder is stopped in another network: when it goes on it finds that it has lost', async () => {
    const { child, says } = await holder();
    child.kill('SIGSTOP');
    remove(EVERYTHING);
    separateNetworks();
    const taken = await lock();
    child.kill('SIGCONT');
    expect(await says()).toBe('lost');
    await once(child, 'exit');
    // And has left nothing that says that the directory is free.
    await expect(lockDirectory(directory)).rejects.toMatchObject(refused);
    expect(await taken.held()).toBe(true);
    expect(readdirSync(directory)).not.toContain('.released');
  });

  test('by somebody who starts first: a start that waits for proof gives way to the holder', async () => {
    separateNetworks();
    const held = await lock();
    for (let round = 0; round < 2; round += 1) {
      remove(EVERYTHING);
      const all = await Promise.allSettled([1, 2, 3].map(() => lockDirectory(directory)));
      expect(all.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    }
    expect(await held.held()).toBe(true);
  });

  test('nothing proves that the last holder has ended, and it has: the directory can be had', async () => {
    await (await lock()).release();
    remove(EVERYTHING);
    const all = await Promise.allSettled([1, 2, 3].map(() => lock()));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('another directory is in its place', () => {
  test.for([
    ['moved away', () => renameSync(directory, `${directory}-moved`)],
    [
      'removed and made again',
      () => {
        rmSync(directory, { recursive: true });
        mkdirSync(directory);
      },
    ],
    [
      'replaced by a copy of it, sockets included',
      () => {
        execFileSync('cp', ['-a', directory, `${directory}-copy`]);
        renameSync(directory, `${directory}-moved`);
        renameSync(`${directory}-copy`, directory);
      },
    ],
  ] as const)(
    '%s: the holder has lost it, and says so before it does anything',
    async ([, replace]) => {
      const held = await lock();
      replace();
      expect(await held.held()).toBe(false);
      expect((await held.lost).message).toMatch(/another directory|cannot be put back|ENOENT/);
      await held.release();
      mkdirSync(directory, { recursive: true });
      expect(readdirSync(directory)).not.toContain('.released');
      await lock();
    },
  );

  test('moved while it is held, the new place is refused as long as somebody listens there', async () => {
    const { child } = await holder();
    child.kill('SIGSTOP');
    const moved = `${directory}-moved`;
    renameSync(directory, moved);
    await expect(lockDirectory(moved)).rejects.toMatchObject(refused);
    child.kill('SIGCONT');
    await once(child, 'exit');
    await lock(moved);
  });
});

test('who listens elsewhere on the name of a mark keeps nobody from the directory', async () => {
  chmodSync(directory, 0o700);
  const token = directoryToken(openSocketDirectory(directory, 0));
  const bases = [
    await pretend('.held-000000000000.new'),
    await pretend(`.held-000000000000-${token}.new`),
  ];
  try {
    // They do listen, as far as the system tells.
    if (process.platform === 'linux') {
      const table = readFileSync('/proc/net/unix', 'utf8');
      for (const base of bases) expect(table).toContain(`${base}/e/.held-`);
    }
    await lock();
  } finally {
    for (const base of bases) rmSync(base, { recursive: true, force: true });
  }
});

describe('the path is too long for a socket, and a link in the temporary directory leads there', () => {
  const temporary = process.env.TMPDIR;
  let long: string;
  beforeEach(() => {
    long = join(directory, 'a'.repeat(60), 'b'.repeat(60));
    mkdirSync(join(long, 'postgres'), { recursive: true });
    writeFileSync(join(long, '.released'), '');
  });
  afterEach(() => {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
  });

  test('whoever tidies the temporary directory takes the directory from nobody', async () => {
    process.env.TMPDIR = mkdtempSync('/tmp/t-');
    try {
      const held = await lock(long);
      held.answer(() => 'here');
      const names = readdirSync(long);
      for (const name of readdirSync(process.env.TMPDIR)) {
        rmSync(join(process.env.TMPDIR, name), { recursive: true });
      }
      expect(await held.held()).toBe(true);
      // No mark was made anew: a dead one would pass for the proof of an end.
      expect(readdirSync(long)).toEqual(names);
      expect(held.held()).toBe(true);
      expect(await askHolder(long, {}, 5_000)).toEqual({ reply: 'here' });
      await expect(lockDirectory(long)).rejects.toMatchObject(refused);
    } finally {
      rmSync(process.env.TMPDIR, { recursive: true });
    }
  });

  test('another one is taken where that one is too long itself, or not there', async () => {
    const folder = join(directory, 't'.repeat(70));
    mkdirSync(folder);
    for (const place of [folder, join(directory, 'nowhere')]) {
      process.env.TMPDIR = place;
      const held = await lock(long);
      expect(await askHolder(long, {}, 5_000)).not.toBeNull();
      await held.release();
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('a file that was brought along from another directory proves nothing here', async () => {
  separateNetworks();
  const held = await lock();
  const [name = ''] = readdirSync(directory).filter((one) => one.startsWith('.held-'));
  remove(EVERYTHING);
  // A plain file under the very name: nobody listens there.
  writeFileSync(join(directory, name), '');
  await expect(lockDirectory(directory)).rejects.toMatchObject(refused);
  expect(await held.held()).toBe(true);
});
