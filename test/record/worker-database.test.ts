import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openDataFolder } from '../../src/record/pglite/data-folder.ts';
import {
  startWorkerDatabase,
  type WorkerDatabase,
} from '../../src/record/pglite/worker-database.ts';

const SLOW = { text: "insert into seen values ('slow'), (pg_sleep(0.4)::text)" };
const add = (name: string) => ({ text: 'insert into seen values ($1)', values: [name] });

describe('PGlite in its thread', () => {
  let database: WorkerDatabase;
  beforeAll(async () => {
    database = await startWorkerDatabase({});
    await database.script('create table seen (name text);');
  });
  afterAll(async () => {
    await database?.close();
  });

  async function seen(): Promise<unknown[]> {
    const rows = await database.query<{ name: string }>({ text: 'select name from seen' });
    return rows.map((row) => row.name);
  }

  test('values come back in the types of the contract', async () => {
    const at = new Date('2030-01-01T00:00:00.123Z');
    const bytes = new Uint8Array([0, 1, 254, 255]);
    const [row] = await database.query({
      text: `select 9007199254740991::int8 as big, $1::timestamptz as at, $2::bytea as bytes,
        $3::text[] as texts, $4::jsonb as json, null as nothing, true as yes`,
      values: [at, bytes, ['a', 'b"c'], '{"x": [1]}'],
    });
    expect(row).toEqual({
      ...{ big: 9007199254740991, at, bytes, texts: ['a', 'b"c'] },
      ...{ json: { x: [1] }, nothing: null, yes: true },
    });
  });

  test('B8 a slow statement never blocks the event loop, and its deadline answers the caller only', async () => {
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 5);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const slow = database.query(SLOW, { deadlineMs: 40 });
      const never = database.query(add('never'), { deadlineMs: 40 });
      vi.advanceTimersByTime(40);
      await expect(slow).rejects.toMatchObject({ code: 'outcome_unknown' });
      await expect(never).rejects.toMatchObject({ code: 'store_unavailable' });
    } finally {
      vi.useRealTimers();
    }
    // The one that was sent has happened, the one that was not has not.
    expect(await seen()).toEqual(['slow', '']);
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(0);
  });

  test('HEARTBEAT what is urgent goes before everything that waits', async () => {
    await database.query({ text: 'delete from seen' });
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    await Promise.all([
      database.query(SLOW).then(note('running')),
      database.query(add('first')).then(note('first')),
      database.query(add('second')).then(note('second')),
      database.query(add('urgent'), { urgent: true }).then(note('urgent')),
    ]);
    expect(order).toEqual(['running', 'urgent', 'first', 'second']);
    expect(await seen()).toEqual(['slow', '', 'urgent', 'first', 'second']);
  });

  test('an error of the database is a SqlError, and the next statement is unharmed', async () => {
    await database.query({ text: 'create unique index seen_name on seen (name)' });
    await expect(database.query(add('first'))).rejects.toMatchObject({
      name: 'SqlError',
      sqlState: '23505',
      constraint: 'seen_name',
    });
    await expect(
      database.transaction([add('third'), { text: 'select 1 / 0' }]),
    ).rejects.toMatchObject({ sqlState: '22012' });
    expect(await seen()).not.toContain('third');
  });

  test('a value that does not fit its type is refused like one', async () => {
    await expect(
      database.query({ text: 'select $1::boolean', values: ['neither'] }),
    ).rejects.toMatchObject({ name: 'SqlError' });
    expect(await database.query({ text: 'select 1 as one' })).toEqual([{ one: 1 }]);
  });

  test('after it is closed nothing is sent', async () => {
    const other = await startWorkerDatabase({});
    await other.close();
    await expect(other.query({ text: 'select 1' })).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    await other.close();
  });
});

test('a panic of the database ends its thread: it would go on in a loop without end', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sekisho-panic-'));
  const { path } = await openDataFolder(dataDir);
  const database = await startWorkerDatabase({ dataDir: path });
  try {
    // What a full disk does, too: the next segment of the log cannot be made.
    rmSync(join(path, 'pg_wal'), { recursive: true });
    await database.script('create table one (text text)');
    await database.query({ text: 'select pg_switch_wal()' });
    // More than the log's buffers hold.
    const much = 'insert into one select repeat(md5(n::text), 30) from generate_series(1, 20000) n';
    await expect(database.query({ text: much }, { deadlineMs: 60_000 })).rejects.toMatchObject({
      code: 'outcome_unknown',
    });
    expect(await database.crashed).toBeInstanceOf(Error);
    await expect(database.query({ text: 'select 1' })).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  } finally {
    await database.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test('an image that cannot be had ends the thread that waits for it', async () => {
  const threads = vi.spyOn(Worker.prototype, 'terminate');
  try {
    const image = Promise.reject(new Error('not an image'));
    await expect(startWorkerDatabase({ image })).rejects.toThrow('not an image');
    const [thread] = threads.mock.contexts as Worker[];
    expect(thread?.threadId).toBe(-1);
  } finally {
    threads.mockRestore();
  }
});

test('a thread that does not come to the end of a statement is ended', async () => {
  const entry = new URL('../support/dying-worker.js', import.meta.url);
  const database = await startWorkerDatabase({}, entry, 200);
  await expect(database.query({ text: 'loop' })).rejects.toMatchObject({ code: 'outcome_unknown' });
  expect((await database.crashed).message).toContain('does not come to the end');
  await database.close();
});

test('when the thread dies every call fails at once, and says whether it was sent', async () => {
  const entry = new URL('../support/dying-worker.js', import.meta.url);
  const database = await startWorkerDatabase({}, entry);
  const sent = database.query({ text: 'die' });
  const waiting = database.query({ text: 'select 1' });
  await expect(sent).rejects.toMatchObject({ code: 'outcome_unknown' });
  await expect(waiting).rejects.toMatchObject({ code: 'store_unavailable' });
  await expect(database.query({ text: 'select 1' })).rejects.toMatchObject({
    code: 'store_unavailable',
  });
  expect((await database.crashed).message).toBe('unreachable');
  await database.close();
});

test('nothing is sent while it is not known that the directory is held, and nothing ever where it is lost', async () => {
  let lose = (_error: Error): void => {};
  const lost = new Promise<Error>((resolve) => {
    lose = resolve;
  });
  let answer = (_held: boolean): void => {};
  let held: true | Promise<boolean> = true;
  const asked = vi.fn(() => held);
  const database = await startWorkerDatabase({ guard: { held: asked, lost } });
  expect(await database.query({ text: 'select 1 as one' })).toEqual([{ one: 1 }]);
  const wait = (): void => {
    held = new Promise((resolve) => {
      answer = resolve;
    });
  };
  wait();
  const waited = database.query({ text: 'select 2 as two' });
  held = true;
  answer(true);
  expect(await waited).toEqual([{ two: 2 }]);

  wait();
  const never = database.query({ text: 'select 3 as three' });
  answer(false);
  lose(new Error('another process has taken it'));
  await expect(never).rejects.toMatchObject({ code: 'store_unavailable' });
  expect((await database.crashed).message).toBe(
    'The data directory is lost: another process has taken it.',
  );
  const calls = asked.mock.calls.length;
  await expect(database.query({ text: 'select 4' })).rejects.toMatchObject({
    code: 'store_unavailable',
  });
  await database.close();
  expect(asked).toHaveBeenCalledTimes(calls);
});

test('an opening that does not come to an end is ended by whoever waits for it', async () => {
  const spinning = new URL('data:text/javascript,for(;;);');
  for (const abortedMs of [0, 50]) {
    const closing = new AbortController();
    if (abortedMs === 0) closing.abort();
    else setTimeout(() => closing.abort(), abortedMs);
    const opening = startWorkerDatabase({ signal: closing.signal }, spinning);
    await expect(opening).rejects.toThrow('closed while it was being opened');
  }
});
