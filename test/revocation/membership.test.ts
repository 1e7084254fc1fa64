import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { driftMarginMs } from '../../src/revocation/constants.ts';
import { Membership } from '../../src/revocation/membership.ts';

const row = (id: string, beat: number, leaseMs = 300, toleranceMs = 1000) => ({
  id,
  beat,
  leaseMs,
  toleranceMs,
});
const SILENT_MS = 1300 + 100 + driftMarginMs(1300);

describe('MEMBERS', () => {
  it('B4 a member goes after its own term, an interval and a margin from the receipt of a beat that stayed', () => {
    const membership = new Membership();
    membership.observe([row('a', 7)], 5000);
    expect(membership.silent(5000 + SILENT_MS - 0.1)).toEqual([]);
    expect(membership.silent(5000 + SILENT_MS + 0.1)).toEqual([{ id: 'a', beat: 7 }]);
  });

  it('B4 a beat that moved, either way, starts anew', () => {
    const membership = new Membership();
    membership.observe([row('a', 7)], 0);
    membership.observe([row('a', 8)], 1400);
    expect(membership.silent(2000)).toEqual([]);
    membership.observe([row('a', 6)], 2500);
    expect(membership.silent(3500)).toEqual([]);
    expect(membership.silent(2500 + SILENT_MS + 1)).toEqual([{ id: 'a', beat: 6 }]);
  });

  it('one that is gone is forgotten, and everything is after a change of generation', () => {
    const membership = new Membership();
    membership.observe([row('a', 7), row('b', 1)], 0);
    membership.observe([row('b', 1)], 100);
    expect(membership.silent(9999)).toEqual([{ id: 'b', beat: 1 }]);
    membership.clear();
    expect(membership.silent(9999)).toEqual([]);
  });

  it('B4 nobody is removed while it may still answer', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 30 }),
        (beats, looks) => {
          const membership = new Membership();
          const beatTimes: number[] = [];
          for (const gap of beats) beatTimes.push((beatTimes.at(-1) ?? 0) + gap);
          let nowMs = 0;
          for (const gap of looks) {
            nowMs += gap;
            const beat = beatTimes.filter((time) => time <= nowMs).length;
            membership.observe([row('a', beat)], nowMs);
            for (const found of membership.silent(nowMs)) {
              // The removal is conditional on the beat, so the newest proof is the one of that beat or older.
              if (found.beat !== beat) continue;
              const lastProofMs = beatTimes[beat - 1] ?? 0;
              expect(nowMs).toBeGreaterThan(lastProofMs + 1300);
            }
          }
        },
      ),
    );
  });
});
