import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_SKEW_MS, STEP_HEARTBEATS } from '../../src/revocation/constants.ts';
import { skewMs, WallTime } from '../../src/revocation/wall-time.ts';

const reading = (monotonicMs: number, recordMs: number, tookMs = 0) => ({
  sentMs: monotonicMs - tookMs,
  receivedMs: monotonicMs,
  recordMs: recordMs - tookMs / 2,
});

describe('WALL TIME', () => {
  it("is the record's time at joining plus monotonic time since", () => {
    const wall = new WallTime(reading(500, 1_000_000, 40));
    expect(wall.at(500)).toBe(1_000_000);
    expect(wall.at(1750)).toBe(1_001_250);
  });

  it('never goes back and never runs more than 5 % off, whatever later heartbeats say', () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 1, max: 1000 }),
      offMs: fc.integer({ min: -40_000, max: 40_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const wall = new WallTime(reading(0, 1_000_000));
        let nowMs = 0;
        let last = wall.at(0);
        for (const { waitMs, offMs } of steps) {
          nowMs += waitMs;
          const before = wall.at(nowMs);
          expect(before - last).toBeGreaterThanOrEqual(waitMs * 0.95 - 1e-6);
          expect(before - last).toBeLessThanOrEqual(waitMs * 1.05 + 1e-6);
          // This machine's own clock agrees with nobody.
          wall.slew(reading(nowMs, 1_000_000 + nowMs + offMs), 0);
          expect(wall.at(nowMs)).toBeCloseTo(before, 6);
          last = wall.at(nowMs);
        }
      }),
    );
  });

  it('reaches a difference that stays, and ignores a step beyond MAX_SKEW', () => {
    const wall = new WallTime(reading(0, 1_000_000));
    expect(wall.slew(reading(0, 1_000_000 + 1000), 0)).toEqual({ differenceMs: 0, adopted: false });
    expect(wall.at(10_000)).toBeCloseTo(1_010_500, 6);
    expect(wall.at(60_000)).toBeCloseTo(1_061_000, 6);
    const step = wall.slew(reading(60_000, 1_061_000 + MAX_SKEW_MS + 1), 0);
    expect(step.adopted).toBe(false);
    expect(step.differenceMs).toBeCloseTo(MAX_SKEW_MS + 1, 3);
    expect(wall.at(90_000)).toBeCloseTo(1_091_000, 6);
  });

  describe('a step that lasts', () => {
    const HOURS_MS = 8 * 3_600_000;
    /** Heartbeats a second apart; `recordMs` and `ownMs` say what the two clocks show beside the node's time. */
    function beats(count: number, recordOffMs: number, ownOffMs: number, wall: WallTime, from = 1) {
      return Array.from({ length: count }, (_, index) => {
        const nowMs = (from + index) * 1000;
        const shown = 1_000_000 + nowMs;
        return wall.slew(reading(nowMs, shown + recordOffMs), shown + ownOffMs).adopted;
      });
    }

    it.each([HOURS_MS, -HOURS_MS])(
      'of %d ms is adopted once this machine has agreed with the record for long enough',
      (offMs) => {
        const wall = new WallTime(reading(0, 1_000_000));
        const adopted = beats(STEP_HEARTBEATS, offMs, offMs + 200, wall);
        expect(adopted.indexOf(true)).toBe(STEP_HEARTBEATS - 1);
        const nowMs = STEP_HEARTBEATS * 1000;
        expect(wall.at(nowMs)).toBeCloseTo(1_000_000 + nowMs + offMs, 6);
        expect(wall.at(nowMs + 500)).toBeCloseTo(1_000_500 + nowMs + offMs, 6);
      },
    );

    it("is ignored for as long as this machine's clock stands with the node's, or with nobody", () => {
      for (const ownOffMs of [0, HOURS_MS / 2]) {
        const wall = new WallTime(reading(0, 1_000_000));
        expect(beats(STEP_HEARTBEATS * 5, HOURS_MS, ownOffMs, wall)).not.toContain(true);
        expect(wall.at(50_000)).toBeCloseTo(1_050_000, 6);
      }
    });

    it('begins anew when it goes away in between, or changes', () => {
      const wall = new WallTime(reading(0, 1_000_000));
      const few = STEP_HEARTBEATS - 1;
      expect(beats(few, HOURS_MS, HOURS_MS, wall)).not.toContain(true);
      expect(beats(1, 0, 0, wall, few + 1)).toEqual([false]);
      expect(beats(few, HOURS_MS, HOURS_MS, wall, few + 2)).not.toContain(true);
      expect(beats(few, 2 * HOURS_MS, 2 * HOURS_MS, wall, 2 * few + 2)).not.toContain(true);
      expect(beats(1, 2 * HOURS_MS, 2 * HOURS_MS, wall, 3 * few + 2)).toEqual([true]);
    });
  });

  it("tells by how much a machine's own clock is off", () => {
    expect(skewMs(reading(100, 1_000_000, 20), 1_000_250, 100)).toBe(250);
  });
});
