import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Barrier, type BarrierMember } from '../../src/revocation/barrier.ts';
import { driftMarginMs } from '../../src/revocation/constants.ts';

const G = 'g1';
const NAME = { generation: G, position: 5 };
const member = (id: string, applied = 4, leaseMs = 100, toleranceMs = 400): BarrierMember => ({
  id,
  leaseMs,
  toleranceMs,
  generation: G,
  applied,
});
const TERM_MS = 500 + driftMarginMs(500);
const SETTLED = Number.NEGATIVE_INFINITY;

describe('BARRIER', () => {
  it('B3 says nothing before the members are known', () => {
    const barrier = new Barrier(NAME, 1000);
    barrier.acknowledge('a', G, 9);
    barrier.confirm(G, 99_000);
    expect(barrier.state(99_000)).toEqual({
      everywhere: false,
      members: 0,
      acknowledged: 0,
      deadlineMs: null,
      nextEndMs: null,
    });
  });

  it('B3 is everywhere when each member has acknowledged the position, by row or through the hub', () => {
    const barrier = new Barrier(NAME, 1000);
    barrier.list([member('a', 5), member('b'), member('c')], 1001, SETTLED);
    expect(barrier.state(1002)).toMatchObject({ everywhere: false, members: 3, acknowledged: 1 });
    barrier.acknowledge('b', G, 4);
    barrier.acknowledge('b', 'g0', 9);
    barrier.acknowledge('stranger', G, 9);
    expect(barrier.state(1002)).toMatchObject({ everywhere: false, acknowledged: 1 });
    barrier.acknowledge('b', G, 6);
    barrier.list([member('a', 5), member('b', 6), member('c', 5)], 1100, SETTLED);
    expect(barrier.state(1100)).toMatchObject({ everywhere: true, members: 3, acknowledged: 3 });
  });

  it('a list that was sent before the commit was known does not count', () => {
    const barrier = new Barrier(NAME, 1000);
    barrier.list([member('a', 5)], 999, SETTLED);
    expect(barrier.listed).toBe(false);
  });

  it('B3 a term that has ended counts only with a write of the caller sent after its end', () => {
    const barrier = new Barrier(NAME, 1000);
    barrier.list([member('a', 5), member('b')], 1001, SETTLED);
    expect(barrier.state(1001)).toMatchObject({
      deadlineMs: 1000 + TERM_MS,
      nextEndMs: 1000 + TERM_MS,
    });
    expect(barrier.state(1000 + TERM_MS - 0.01).everywhere).toBe(false);
    const late = 1000 + TERM_MS + 50;
    expect(barrier.state(late)).toMatchObject({ everywhere: false, acknowledged: 2 });
    barrier.confirm(G, 1000 + TERM_MS - 0.01);
    barrier.confirm('g2', late);
    expect(barrier.state(late).everywhere).toBe(false);
    barrier.confirm(G, 1000 + TERM_MS);
    expect(barrier.state(late).everywhere).toBe(true);
  });

  it("B4 each member is waited for by its own lease and tolerance, never by the caller's", () => {
    const barrier = new Barrier(NAME, 0);
    barrier.list([member('short', 0, 50, 0), member('long', 0, 1000, 20_000)], 1, SETTLED);
    expect(barrier.state(1)).toMatchObject({
      nextEndMs: 50 + driftMarginMs(50),
      deadlineMs: 21_000 + driftMarginMs(21_000),
    });
    barrier.confirm(G, 20_999);
    expect(barrier.state(20_999)).toMatchObject({ everywhere: false, acknowledged: 1 });
  });

  it('B4 a member that left, or was removed, is not waited for; one that joined later never was', () => {
    const barrier = new Barrier(NAME, 1000);
    barrier.list([member('a', 5), member('b')], 1001, SETTLED);
    barrier.list([member('a', 5), member('late')], 1050, SETTLED);
    expect(barrier.state(1050)).toMatchObject({ everywhere: true, members: 2 });
  });

  it('FIRST TERM: nothing is everywhere before its end, and it needs a confirmation too', () => {
    const barrier = new Barrier(NAME, 1000);
    barrier.list([member('a', 5)], 1001, 30_000);
    expect(barrier.state(1002)).toMatchObject({
      everywhere: false,
      acknowledged: 1,
      deadlineMs: 30_000,
      nextEndMs: 30_000,
    });
    expect(barrier.state(30_001).everywhere).toBe(false);
    barrier.confirm(G, 30_000);
    expect(barrier.state(30_001).everywhere).toBe(true);
  });

  it('FIRST TERM: once somebody has settled the generation, nobody waits any more', () => {
    const barrier = new Barrier(NAME, 1000);
    barrier.list([member('a', 5)], 1001, 30_000);
    barrier.list([member('a', 5)], 1100, SETTLED);
    expect(barrier.state(1100).everywhere).toBe(true);
  });

  /**
   * A model of members: each answers until its term after its newest proof; a proof sent after the commit has the entry in
   * its head, so the member applies it before it answers on. Whatever happens, in whatever order the barrier hears of it.
   */
  it('B3 Early return: never everywhere while a member could still answer without the entry', () => {
    const seen = { everywhere: 0, byTerm: 0 };
    const arbitrary = fc.record({
      commitMs: fc.integer({ min: 1000, max: 1200 }),
      knownAfterMs: fc.nat(50),
      members: fc.array(
        fc.record({
          leaseMs: fc.integer({ min: 30, max: 300 }),
          toleranceMs: fc.integer({ min: 0, max: 600 }),
          provedBeforeMs: fc.nat(300),
          // When it applies the entry; never, if it is cut off.
          appliesAfterMs: fc.option(fc.nat(800)),
          rowAfterMs: fc.nat(300),
          hubAfterMs: fc.option(fc.nat(300)),
          drift: fc.double({ min: -0.0005, max: 0.0005, noNaN: true }),
          leavesAfterMs: fc.option(fc.nat(1000)),
        }),
        { maxLength: 4 },
      ),
      beatEveryMs: fc.integer({ min: 20, max: 200 }),
      listEveryMs: fc.integer({ min: 20, max: 200 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ commitMs, knownAfterMs, members, beatEveryMs, listEveryMs }) => {
        const knownMs = commitMs + knownAfterMs;
        const barrier = new Barrier(NAME, knownMs);
        const models = members.map((drawn, index) => {
          const termMs = drawn.leaseMs + drawn.toleranceMs;
          const appliedMs =
            drawn.appliesAfterMs === null ? Infinity : commitMs + drawn.appliesAfterMs;
          const leftMs = drawn.leavesAfterMs === null ? Infinity : commitMs + drawn.leavesAfterMs;
          const termEndsMs =
            commitMs - drawn.provedBeforeMs + (termMs - driftMarginMs(termMs)) / (1 + drawn.drift);
          return {
            ...drawn,
            id: `m${index}`,
            appliedMs,
            leftMs,
            // Up to here it may pass a token without knowing the entry.
            dangerousUntilMs: Math.min(appliedMs, termEndsMs, leftMs),
          };
        });
        let claimedMs = Infinity;
        for (let nowMs = knownMs; nowMs <= knownMs + 2500; nowMs += 10) {
          for (const model of models) {
            if (model.hubAfterMs !== null && nowMs >= model.appliedMs + model.hubAfterMs)
              barrier.acknowledge(model.id, G, 5);
          }
          if ((nowMs - knownMs) % listEveryMs < 10) {
            barrier.list(
              models
                .filter((model) => nowMs < model.leftMs)
                .map((model) =>
                  member(
                    model.id,
                    nowMs >= model.appliedMs + model.rowAfterMs ? 5 : 4,
                    model.leaseMs,
                    model.toleranceMs,
                  ),
                ),
              nowMs,
              SETTLED,
            );
          }
          if ((nowMs - knownMs) % beatEveryMs < 10) barrier.confirm(G, nowMs);
          if (barrier.state(nowMs).everywhere) {
            claimedMs = nowMs;
            break;
          }
        }
        // Everybody's term has ended by the end of the walk, so it must have been said.
        expect(claimedMs).toBeLessThan(Infinity);
        seen.everywhere += 1;
        for (const model of models) {
          expect(model.dangerousUntilMs, model.id).toBeLessThanOrEqual(claimedMs);
          if (model.appliedMs > claimedMs && model.leftMs > claimedMs) seen.byTerm += 1;
        }
      }),
      { numRuns: 600 },
    );
    expect(seen.byTerm).toBeGreaterThan(20);
  });
});
