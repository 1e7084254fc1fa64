import { describe, expect, test } from 'vitest';
import { silentLog } from '../../src/observe/log.ts';
import { createActivity } from '../../src/session/activity.ts';
import { recordDestination } from '../../src/session/seen.ts';
import { createTestClock } from '../support/clock.ts';

type Batch = {
  readonly seen: readonly { sid: string; atMs: number }[];
  readonly throughMs: number;
};

function start(lagMs = 0) {
  const clock = createTestClock(1_000_000);
  const batches: Batch[] = [];
  const store = { fails: false, losses: [] as number[] };
  const destination = recordDestination({
    ...{ log: silentLog, lagMs },
    lost: async (nowMs) => {
      if (store.fails) throw new Error('the record is away');
      store.losses.push(nowMs);
    },
    touch: async (seen, throughMs) => {
      if (store.fails) throw new Error('the record is away');
      batches.push({ seen: seen.map(({ sid, atMs }) => ({ sid, atMs })), throughMs });
    },
  });
  const activity = createActivity({ clock, wallNowMs: () => clock.wallMs(), destination });
  return { clock, batches, store, activity };
}

describe('last-seen', () => {
  test('ASVS 7.3.1: is written in batches, the newest time of each session once', async () => {
    const { clock, batches, activity } = start();
    const [phone, laptop, sameLaptop] = ['p', 'l', 'l'].map((sid) => activity.mark('t', sid));
    if (!phone || !laptop || !sameLaptop) throw new Error('three marks');
    activity.note(phone, 1);
    activity.note(laptop, 2);
    activity.note(sameLaptop, 7);
    activity.note(phone, 5);
    expect(batches).toEqual([]);
    await clock.advance(5_000);
    expect(batches).toEqual([
      {
        seen: [
          { sid: 'p', atMs: 5 },
          { sid: 'l', atMs: 7 },
        ],
        throughMs: 1_005_000,
      },
    ]);
  });

  test('a batch that failed is kept, and swept-through stands still until it is written', async () => {
    const { clock, batches, store, activity } = start();
    const mark = activity.mark('t', 's');
    activity.note(mark, 1);
    store.fails = true;
    await clock.advance(5_000);
    store.fails = false;
    activity.note(mark, 9);
    await clock.advance(5_000);
    expect(batches).toEqual([{ seen: [{ sid: 's', atMs: 9 }], throughMs: 1_010_000 }]);
  });

  test('many sessions are written in parts, and swept-through moves with the last part only', async () => {
    const { batches, activity } = start();
    for (let n = 0; n < 1_234; n += 1) activity.note(activity.mark('t', `s${n}`), n);
    await activity.flush();
    expect(batches.map(({ seen }) => seen.length)).toEqual([500, 500, 234]);
    expect(batches.map(({ throughMs }) => throughMs)).toEqual([0, 0, 1_000_000]);
    await activity.flush();
    expect(batches.at(-1)).toEqual({ seen: [], throughMs: 1_000_000 });
  });

  test('what had no room is judged as lost, before swept-through moves', async () => {
    const { clock, batches, store, activity } = start();
    store.fails = true;
    for (let n = 0; n < 100_001; n += 1) activity.note(activity.mark('t', `s${n}`), n);
    await activity.flush();
    expect([store.losses, batches]).toEqual([[], []]);
    store.fails = false;
    await clock.advance(5_000);
    await activity.flush();
    expect(store.losses).toEqual([1_005_000]);
    expect(batches.at(-1)?.throughMs).toBe(1_005_000);
    expect(batches.flatMap(({ seen }) => seen)).toHaveLength(100_000);
    await activity.flush();
    expect(store.losses).toHaveLength(1);
  });

  test('other nodes are given time to write theirs', async () => {
    const { batches, activity } = start(20_000);
    await activity.flush();
    expect(batches).toEqual([{ seen: [], throughMs: 980_000 }]);
  });

  test('close writes what is left and leaves no timer behind', async () => {
    const { clock, batches, activity } = start();
    activity.note(activity.mark('t', 's'), 3);
    await activity.close();
    expect(batches[0]?.seen).toEqual([{ sid: 's', atMs: 3 }]);
    expect(clock.pending()).toBe(0);
  });
});
