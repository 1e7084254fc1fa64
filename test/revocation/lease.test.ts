import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { driftMarginMs } from '../../src/revocation/constants.ts';
import { Lease } from '../../src/revocation/lease.ts';

const LEASE_MS = 750;
const TOLERANCE_MS = 10_000;
const head = (position: number) => ({ generation: 'g', position });

describe('PROOF', () => {
  it('B3 counts from when it was asked for, once its head is applied', () => {
    const lease = new Lease(LEASE_MS, TOLERANCE_MS);
    expect(lease.freshness(0, false)).toBe('unavailable');
    expect(lease.prove({ atMs: 100, head: head(5) }, head(4))).toBe(false);
    expect(lease.freshness(110, true)).toBe('unavailable');
    expect(lease.cover(head(5))).toBe(true);
    expect(lease.coveredAtMs).toBe(100);
    expect(lease.freshness(110, false)).toBe('fresh');
  });

  it('B3 the newest covered one counts, in whatever order proofs and entries come', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('proof' as const), waitMs: fc.nat(400), commits: fc.nat(3) }),
      fc.record({ kind: fc.constant('apply' as const), upTo: fc.nat(40) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 15 }), (events) => {
        const lease = new Lease(LEASE_MS, TOLERANCE_MS);
        const proofs: { atMs: number; position: number }[] = [];
        let nowMs = 0;
        let position = 0;
        let applied = 0;
        for (const each of events) {
          if (each.kind === 'proof') {
            nowMs += each.waitMs;
            position += each.commits;
            proofs.push({ atMs: nowMs, position });
            lease.prove({ atMs: nowMs, head: head(position) }, head(applied));
          } else {
            applied = Math.max(applied, Math.min(position, each.upTo));
            lease.cover(head(applied));
          }
          const covered = proofs
            .filter((proof) => proof.position <= applied)
            .map((proof) => proof.atMs);
          expect(lease.coveredAtMs).toBe(Math.max(Number.NEGATIVE_INFINITY, ...covered));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('FRESH a second one of the same time is told of too: whoever began to wait in between is served by it', () => {
    const lease = new Lease(LEASE_MS, TOLERANCE_MS);
    expect(lease.prove({ atMs: 100, head: head(1) }, head(1))).toBe(true);
    expect(lease.prove({ atMs: 100, head: head(2) }, head(2))).toBe(true);
    expect(lease.cover(head(2))).toBe(false);
    expect(lease.coveredAtMs).toBe(100);
  });

  it('one that waits is dropped with its generation, and a removed node starts from nothing', () => {
    const lease = new Lease(LEASE_MS, TOLERANCE_MS);
    lease.prove({ atMs: 100, head: head(1) }, head(1));
    lease.prove({ atMs: 200, head: head(9) }, head(1));
    lease.dropWaiting();
    expect(lease.cover(head(9))).toBe(false);
    expect(lease.freshness(200, false)).toBe('fresh');
    lease.clear();
    expect(lease.freshness(200, false)).toBe('unavailable');
  });
});

describe('ANSWER', () => {
  it('B3 B8 fresh for the lease, stale for the tolerance, then not at all; a margin for drift is taken off', () => {
    const lease = new Lease(LEASE_MS, TOLERANCE_MS);
    lease.prove({ atMs: 0, head: head(0) }, head(0));
    const freshEnds = LEASE_MS - driftMarginMs(LEASE_MS);
    const termEnds = LEASE_MS + TOLERANCE_MS - driftMarginMs(LEASE_MS + TOLERANCE_MS);
    expect(lease.freshness(freshEnds - 0.01, false)).toBe('fresh');
    expect(lease.freshness(freshEnds, false)).toBe('stale');
    expect(lease.freshness(termEnds - 0.01, false)).toBe('stale');
    expect(lease.freshness(termEnds, false)).toBe('unavailable');
    expect(lease.leftMs(0)).toBe(freshEnds);
    expect(lease.nextChangeMs(0, false)).toBe(freshEnds);
    expect(lease.nextChangeMs(freshEnds, false)).toBe(termEnds - freshEnds);
    expect(lease.nextChangeMs(termEnds, false)).toBe(0);
  });

  it('a known gap forbids tolerance, not the lease', () => {
    const lease = new Lease(LEASE_MS, TOLERANCE_MS);
    lease.prove({ atMs: 0, head: head(0) }, head(0));
    expect(lease.freshness(100, true)).toBe('fresh');
    expect(lease.freshness(LEASE_MS, true)).toBe('unavailable');
    expect(lease.nextChangeMs(LEASE_MS, true)).toBe(0);
  });

  it('with no tolerance nothing is ever stale', () => {
    const lease = new Lease(LEASE_MS, 0);
    lease.prove({ atMs: 0, head: head(0) }, head(0));
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2000, noNaN: true }), (nowMs) => {
        expect(lease.freshness(nowMs, false)).not.toBe('stale');
      }),
    );
  });

  it('the margins keep a slow node inside what a fast one waits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 30_000 }),
        fc.double({ min: -0.0005, max: 0.0005, noNaN: true }),
        fc.double({ min: -0.0005, max: 0.0005, noNaN: true }),
        (termMs, node, waiter) => {
          const endsReal = (termMs - driftMarginMs(termMs)) / (1 + node);
          const waitedReal = (termMs + driftMarginMs(termMs)) / (1 + waiter);
          expect(endsReal).toBeLessThan(waitedReal);
          expect(endsReal).toBeLessThan(termMs);
        },
      ),
    );
  });
});
