import { describe, expect, test } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { ReplacedSight, Sight } from '../../src/record/contract.ts';
import { createSightings, type StolenAnswer } from '../../src/session/sightings.ts';
import { createTestClock } from '../support/clock.ts';

const away = () => new SekishoError('store_unavailable', 'The record is away.');

function start() {
  const clock = createTestClock(1_000_000);
  const batches: (readonly Sight[])[] = [];
  const ended: StolenAnswer[] = [];
  const store = {
    fails: false,
    /** How many batches it takes before it is away. */
    takes: Number.POSITIVE_INFINITY,
    endingFails: false,
    replaced: [] as readonly ReplacedSight[],
  };
  let warnings = 0;
  const sightings = createSightings({
    clock,
    wallNowMs: () => clock.wallMs(),
    sighted: async (sights) => {
      if (store.fails || batches.length >= store.takes) throw away();
      batches.push(sights);
      return store.replaced.filter(({ rot }) => sights.some((one) => one.rot === rot));
    },
    stolen: async (one) => {
      if (store.endingFails) throw away();
      ended.push(one);
    },
    log: {
      ...silentLog,
      warn: () => {
        warnings += 1;
      },
    },
  });
  const see = (sid: string, rot: number, ip: string | null = null) =>
    sightings.note({ tid: 't', sid, rot }, ip);
  const seen = () => batches.map((batch) => batch.map(({ sid, rot }) => `${sid}${rot}`));
  return { clock, batches, ended, store, sightings, see, seen, warnings: () => warnings };
}

describe('sights of access tokens', () => {
  test('ASVS 10.4.5 are reported together and once each, within a second', async () => {
    const { clock, sightings, see, seen } = start();
    see('a', 1);
    see('b', 3);
    see('a', 1);
    see('a', 2);
    expect(seen()).toEqual([]);
    expect(clock.pending()).toBe(1);
    await clock.advance(500);
    expect(seen()).toEqual([['a1', 'a2', 'b3']]);
    // Nothing more is asked of anybody until the next sight.
    expect(clock.pending()).toBe(0);
    see('a', 3);
    await clock.advance(500);
    expect(seen()).toEqual([['a1', 'a2', 'b3'], ['a3']]);
    await sightings.close();
    expect(seen()).toHaveLength(2);
  });

  test('a login is not reported: nobody can ask for its answer again', async () => {
    const { clock, see, batches } = start();
    see('a', 0);
    expect(clock.pending()).toBe(0);
    await clock.advance(1000);
    expect(batches).toEqual([]);
  });

  test('what the record could not take is kept and tried again, and said once', async () => {
    const { clock, store, sightings, see, seen, warnings } = start();
    store.fails = true;
    see('a', 1);
    for (let second = 0; second < 120; second += 1) {
      await clock.advance(1000);
      if (second === 60) see('b', 5);
    }
    expect(sightings.newest('t', 'a')).toBe(1);
    expect(sightings.newest('t', 'b')).toBe(5);
    expect(warnings()).toBe(1);
    store.fails = false;
    await clock.advance(1000);
    expect(seen()).toEqual([['a1', 'b5']]);
    expect(sightings.newest('t', 'a')).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  test('many go in parts; when one of them fails, those before it are not reported again', async () => {
    const { clock, store, see, batches, sightings } = start();
    store.takes = 1;
    for (let n = 0; n < 1200; n += 1) see(`s${n}`, 1);
    await clock.advance(500);
    await sightings.flush();
    expect(batches.map((batch) => batch.length)).toEqual([500]);
    expect(sightings.newest('t', 's0')).toBe(0);
    expect(sightings.newest('t', 's500')).toBe(1);
    store.takes = Number.POSITIVE_INFINITY;
    await sightings.flush();
    expect(batches.map((batch) => batch.length)).toEqual([500, 500, 200]);
    expect(new Set(batches.flat().map(({ sid }) => sid)).size).toBe(1200);
  });

  test('A7 what waits is bounded; what was left out is seen again', async () => {
    const { clock, store, sightings, see, batches, warnings } = start();
    store.fails = true;
    for (let n = 0; n < 100_010; n += 1) see(`s${n}`, 1);
    expect(warnings()).toBe(1);
    expect(sightings.newest('t', 's99999')).toBe(1);
    expect(sightings.newest('t', 's100000')).toBe(0);
    await clock.advance(500);
    store.fails = false;
    await sightings.flush();
    expect(batches.flat()).toHaveLength(100_000);
    see('s100000', 1);
    await sightings.flush();
    expect(batches.at(-1)).toMatchObject([{ sid: 's100000' }]);
  });

  test('ASVS 10.4.5 the session of a replaced answer is ended once, with where it was seen', async () => {
    const { store, ended, sightings, see } = start();
    store.replaced = [
      { tid: 't', uid: 'u', sid: 'a', rot: 1 },
      { tid: 't', uid: 'u', sid: 'a', rot: 2 },
    ];
    see('a', 1, '192.0.2.9');
    see('a', 2, '192.0.2.10');
    see('b', 7);
    await sightings.flush();
    expect(ended).toEqual([{ tid: 't', uid: 'u', sid: 'a', rot: 1, ip: '192.0.2.9' }]);
  });

  test('a theft that could not be acted upon is reported again', async () => {
    const { clock, store, ended, sightings, see } = start();
    store.replaced = [{ tid: 't', uid: 'u', sid: 'a', rot: 1 }];
    store.endingFails = true;
    see('a', 1, '192.0.2.9');
    await clock.advance(500);
    await sightings.flush();
    expect(ended).toEqual([]);
    store.endingFails = false;
    await clock.advance(1000);
    await sightings.flush();
    expect(ended).toEqual([{ tid: 't', uid: 'u', sid: 'a', rot: 1, ip: '192.0.2.9' }]);
  });

  test('closing reports what is left, and begins nothing any more', async () => {
    const { clock, sightings, see, seen } = start();
    see('a', 4);
    await sightings.close();
    expect(seen()).toEqual([['a4']]);
    see('b', 1);
    expect(clock.pending()).toBe(0);
  });
});
