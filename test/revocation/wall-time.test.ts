import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_SKEW_MS } from '../../src/revocation/constants.ts';
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
          wall.slew(reading(nowMs, 1_000_000 + nowMs + offMs));
          expect(wall.at(nowMs)).toBeCloseTo(before, 6);
          last = wall.at(nowMs);
        }
      }),
    );
  });

  it('reaches a difference that stays, and ignores a step beyond MAX_SKEW', () => {
    const wall = new WallTime(reading(0, 1_000_000));
    expect(wall.slew(reading(0, 1_000_000 + 1000))).toBe(0);
    expect(wall.at(10_000)).toBeCloseTo(1_010_500, 6);
    expect(wall.at(60_000)).toBeCloseTo(1_061_000, 6);
    expect(wall.slew(reading(60_000, 1_061_000 + MAX_SKEW_MS + 1))).toBeCloseTo(MAX_SKEW_MS + 1, 3);
    expect(wall.at(90_000)).toBeCloseTo(1_091_000, 6);
  });

  it("tells by how much a machine's own clock is off", () => {
    expect(skewMs(reading(100, 1_000_000, 20), 1_000_250, 100)).toBe(250);
  });
});
