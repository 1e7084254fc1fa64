import * as fs from 'node:fs';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { directoryToken, isHeldBound } from '../../src/record/pglite/lock-marks.ts';
import { openSocketDirectory } from '../../src/record/pglite/socket-path.ts';
import { listenersIn } from '../../src/record/pglite/unix-listeners.ts';

vi.mock(import('node:fs'), { spy: true });

/** The tables of a Linux, as files: which process has what open can be chosen, whoever runs the tests. */
let base: string;
let proc: string;
let directory: string;
let name: string;

/** Who starts, and somebody else, both of whom have no files here; nobody here is root. */
const US = 4_000_001;
const THEM = 4_000_002;

const NODE = { user: US, name: 'node' };
const LISTENS = '00010000';

interface Process {
  readonly user: number;
  readonly name: string;
  readonly sockets?: readonly string[];
  readonly directories?: readonly string[];
}

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sekisho-listeners-'));
  proc = join(base, 'proc');
  directory = join(base, 'data');
  for (const folder of [proc, join(proc, 'net'), directory]) mkdirSync(folder);
  name = boundIn(directory);
  running(1, NODE);
  symlinkSync('1', join(proc, 'self'));
});
afterEach(() => {
  vi.mocked(fs.readdirSync).mockReset();
  vi.mocked(fs.readlinkSync).mockReset();
  rmSync(base, { recursive: true, force: true });
});

function tokenOf(path: string): string {
  return directoryToken(openSocketDirectory(path, 0));
}

function boundIn(path: string): string {
  return `.held-000000000000-${tokenOf(path)}.new`;
}

function running(pid: number, { user, name: its, sockets = [], directories = [] }: Process): void {
  const folder = join(proc, String(pid));
  mkdirSync(join(folder, 'fd'), { recursive: true });
  writeFileSync(join(folder, 'comm'), `${its}\n`);
  // Real, effective, saved, of the file system: a program may run as its owner, whoever starts it.
  writeFileSync(join(folder, 'status'), `Name:\t${its}\nUid:\t${user}\t${US}\t${US}\t${US}\n`);
  const targets = ['/dev/null', ...sockets.map((inode) => `socket:[${inode}]`), ...directories];
  for (const [fd, target] of targets.entries()) symlinkSync(target, join(folder, 'fd', `${fd}`));
}

/**
 * Its files may not be looked into, which no mode says to a root that runs the tests: neither be listed, or be listed and
 * not be followed, as where it has rights that the one who looks has not.
 */
async function closed(pid: number, which: 'listed' | 'followed'): Promise<void> {
  const real = await vi.importActual<typeof fs>('node:fs');
  const folder = join(proc, String(pid), 'fd');
  const refusing = (read: (path: string) => unknown) => (path: string) => {
    if (path.startsWith(folder)) throw Object.assign(new Error('no'), { code: 'EACCES' });
    return read(path);
  };
  vi.mocked(fs.readdirSync).mockReset();
  if (which === 'listed') {
    vi.mocked(fs.readdirSync).mockImplementation(refusing(real.readdirSync) as never);
  } else vi.mocked(fs.readlinkSync).mockImplementation(refusing(real.readlinkSync) as never);
}

function row(inode: string, path: string, flags = LISTENS): string {
  return `0000000000000000: 00000002 00000000 ${flags} 0001 01 ${inode} ${path}\n`;
}

function listed(...rows: string[]): void {
  const head = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  writeFileSync(join(proc, 'net/unix'), [head, ...rows].join(''));
}

function seen(): string[] {
  const token = tokenOf(directory);
  return listenersIn(directory, (one) => isHeldBound(one, token), { proc, user: US });
}

describe('who listens in a data directory', () => {
  test('a process of ours that has it open, by whatever path it calls it', () => {
    running(20, { ...NODE, sockets: ['777'], directories: [directory] });
    listed(row('776', '@abstract'), row('777', `/mnt/elsewhere/${name}`), row('778', ''));
    expect(seen()).toEqual([name]);
    // A client of it, or one that does not listen any more.
    listed(row('777', `/mnt/elsewhere/${name}`, '00000000'));
    expect(seen()).toEqual([]);
  });

  test('not the holder of another directory that has the same path in another container', () => {
    const other = join(base, 'other');
    mkdirSync(other);
    running(20, { ...NODE, sockets: ['777'], directories: [other] });
    listed(row('777', join(directory, boundIn(other))));
    expect(seen()).toEqual([]);
  });

  test('not another user, who may bind any name and listen on it', () => {
    running(20, { user: THEM, name: 'node', sockets: ['777'], directories: [directory] });
    listed(row('777', join(directory, name)));
    expect(seen()).toEqual([]);
  });

  test('the owner of the directory, for whoever else may look: a command of root', () => {
    const { uid } = statSync(directory);
    running(20, { user: uid, name: 'node', sockets: ['777'], directories: [directory] });
    listed(row('777', join(directory, name)));
    expect(seen()).toEqual([name]);
  });

  test('not a row that another user wrote, with a line break in a path, for a socket of ours', () => {
    running(20, { ...NODE, sockets: ['777'], directories: [join(base, 'proc')] });
    running(21, { user: THEM, name: 'evil', sockets: ['666'] });
    listed(row('666', `/tmp/x\n${row('777', `/${name}`).trimEnd()}`));
    expect(seen()).toEqual([]);
  });

  test('not this very process, whose sockets anybody can name, too', () => {
    rmSync(join(proc, '1'), { recursive: true });
    running(1, { ...NODE, sockets: ['777'], directories: [directory] });
    listed(row('777', join(directory, name)));
    expect(seen()).toEqual([]);
  });

  test.for([
    ['of ours, a node too: it may be the holder (setcap)', NODE, 1],
    ['of ours, another program (ssh-agent)', { ...NODE, name: 'ssh-agent' }, 0],
    ['of another user', { ...NODE, user: THEM }, 0],
    ['of root', { ...NODE, user: 0 }, 0],
  ] as const)('a process that cannot be looked into, %s', async ([, process, count]) => {
    listed(row('777', join(directory, name)));
    running(20, process);
    for (const which of ['listed', 'followed'] as const) {
      await closed(20, which);
      expect(seen(), which).toHaveLength(count);
    }
  });

  test('nobody where the system has no such tables, or the directory is gone', () => {
    expect(seen()).toEqual([]);
    listed(row('777', join(directory, name)));
    expect(seen()).toEqual([]);
    expect(listenersIn(join(base, 'nothing'), () => true, { proc, user: US })).toEqual([]);
  });
});
