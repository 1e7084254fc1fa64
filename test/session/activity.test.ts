import { describe, expect, test } from 'vitest';
import { silentLog } from '../../src/observe/log.ts';
import { createActivity } from '../../src/session/activity.ts';
import { recordDestination } from '../../src/session/seen.ts';
import { createTestClock } from '../support/clock.ts';

/** What a mark stays behind the clock. */
const MARGIN_MS = 1_000;

function start() {
  const clock = createTestClock(1_000_000);
  const batches: { sid: string; atMs: number }[][] = [];
  const marks: number[] = [];
  const store = { fails: false, losses: [] as number[] };
  const unlessAway = (): void => {
    if (store.fails) throw new Error('the record is away');
  };
  const destination = recordDestination({
    log: silentLog,
    memberId: () => 'this node',
    touch: async (seen, throughMs) => {
      unlessAway();
      expect(throughMs).toBe(0);
      batches.push(seen.map(({ sid, atMs }) => ({ sid, atMs })));
    },
    sweep: {
      lost: async (nowMs) => {
        unlessAway();
        store.losses.push(nowMs);
      },
      mark: async (memberId, throughMs) => {
        unlessAway();
        expect(memberId).toBe('this node');
        marks.push(throughMs + MARGIN_MS);
      },
    },
  });
  const activity = createActivity({ clock, wallNowMs: () => clock.wallMs(), destination });
  return { clock, batches, marks, store, activity };
}

describe('last-seen', () => {
  test('ASVS 7.3.1: is written in batches, the newest time of each session once', async () => {
    const { clock, batches, marks, activity } = start();
    const [phone, laptop, sameLaptop] = ['p', 'l', 'l'].map((sid) => activity.mark('t', sid));
    if (!phone || !laptop || !sameLaptop) throw new Error('three marks');
    activity.note(phone, 1);
    activity.note(laptop, 2);
    activity.note(sameLaptop, 7);
    activity.note(phone, 5);
    expect(batches).toEqual([]);
    await clock.advance(5_000);
    expect(batches).toEqual([
      [
        { sid: 'p', atMs: 5 },
        { sid: 'l', atMs: 7 },
      ],
    ]);
    expect(marks).toEqual([1_005_000]);
    // Whoever saw nobody says so, and writes nothing else.
    await clock.advance(5_000);
    expect([batches.length, marks]).toEqual([1, [1_005_000, 1_010_000]]);
  });

  test('a batch that failed is kept, and this node’s mark stands still until it is written', async () => {
    const { clock, batches, marks, store, activity } = start();
    const mark = activity.mark('t', 's');
    activity.note(mark, 1);
    store.fails = true;
    await clock.advance(5_000);
    expect(marks).toEqual([]);
    store.fails = false;
    activity.note(mark, 9);
    await clock.advance(5_000);
    expect(batches).toEqual([[{ sid: 's', atMs: 9 }]]);
    expect(marks).toEqual([1_010_000]);
  });

  test('many sessions are written in parts, and the mark follows the last one', async () => {
    const { batches, marks, activity } = start();
    for (let n = 0; n < 1_234; n += 1) activity.note(activity.mark('t', `s${n}`), n);
    await activity.flush();
    expect(batches.map((seen) => seen.length)).toEqual([500, 500, 234]);
    expect(marks).toEqual([1_000_000]);
  });

  test('what had no room is judged as lost, before the mark moves', async () => {
    const { clock, batches, marks, store, activity } = start();
    store.fails = true;
    for (let n = 0; n < 100_001; n += 1) activity.note(activity.mark('t', `s${n}`), n);
    await activity.flush();
    expect([store.losses, batches, marks]).toEqual([[], [], []]);
    store.fails = false;
    await clock.advance(5_000);
    await activity.flush();
    expect(store.losses).toEqual([1_005_000]);
    expect(batches.flat()).toHaveLength(100_000);
    expect(marks.at(-1)).toBe(1_005_000);
    await activity.flush();
    expect(store.losses).toHaveLength(1);
  });

  test('close writes what is left and leaves no timer behind', async () => {
    const { clock, batches, activity } = start();
    activity.note(activity.mark('t', 's'), 3);
    await activity.close();
    expect(batches[0]).toEqual([{ sid: 's', atMs: 3 }]);
    expect(clock.pending()).toBe(0);
  });
});
