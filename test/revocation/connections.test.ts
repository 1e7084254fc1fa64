import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Connections } from '../../src/revocation/connections.ts';
import type { KillReason } from '../../src/revocation/contract.ts';
import type { Entry, Generation, TokenFacts } from '../../src/revocation/types.ts';
import { View } from '../../src/revocation/view.ts';
import { draftOf } from '../support/log.ts';
import { judgeNaively } from '../support/naive-view.ts';

const G: Generation = { id: 'g1', parent: null, parentEnd: 0, settled: true };
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

function emptyView(): View {
  const view = new View();
  view.replace(draftOf([], [G]));
  return view;
}

function factsOf(tid: string, uid: string, sid: string, epoch = 0): TokenFacts {
  return { tid, uid, sid, generation: 'g1', epoch, tokenEpoch: epoch };
}

describe('SOCKETS: the registry', () => {
  it('B12 an entry cuts exactly those that it hits', () => {
    const connection = fc.record({
      tid: fc.constantFrom('t0', 't1'),
      uid: fc.constantFrom('u0', 'u1'),
      sid: fc.constantFrom('s0', 's1', 's2'),
      epoch: fc.nat(4),
    });
    const subject = fc.record({
      scope: fc.constantFrom('all', 'tenant', 'user', 'session', 'reissue'),
      tid: fc.constantFrom('t0', 't1'),
      uid: fc.constantFrom('u0', 'u1'),
      sid: fc.constantFrom('s0', 's1', 's2'),
      spared: fc.option(fc.constantFrom('s0', 's1')),
      width: fc.nat(3),
    });
    fc.assert(
      fc.property(
        fc.array(connection, { maxLength: 12 }),
        fc.array(subject, { maxLength: 5 }),
        (drawn, subjects) => {
          const view = emptyView();
          const registry = new Connections();
          const killed: (KillReason | null)[] = drawn.map(() => null);
          drawn.forEach(({ tid, uid, sid, epoch }, index) => {
            registry.add({
              facts: factsOf(tid, uid, sid, epoch),
              endsAtMs: FOREVER_MS,
              kill: (why) => {
                expect(killed[index]).toBeNull();
                killed[index] = why;
              },
            });
          });
          const entries: Entry[] = [];
          for (const { scope, tid, uid, sid, spared, width } of subjects) {
            const entry: Entry = {
              generation: 'g1',
              position: entries.length + 1,
              operationId: 'op',
              scope,
              tid: scope === 'all' ? null : tid,
              uid:
                scope === 'user' || scope === 'session' || (scope === 'reissue' && width > 1)
                  ? uid
                  : null,
              sid: scope === 'session' || (scope === 'reissue' && width > 2) ? sid : null,
              sparedSid: null,
            };
            // A session is spared only while it passes everything (AUTHORITY).
            const sparing =
              spared !== null && entries.length === 0 ? { ...entry, sparedSid: spared } : entry;
            entries.push(sparing);
            view.apply(sparing, 0);
            registry.strike(sparing, (each) => view.judgeRegistered(each.facts));
          }
          let left = 0;
          drawn.forEach(({ tid, uid, sid, epoch }, index) => {
            const verdict = judgeNaively(
              { entries, horizon: 0, lineage: [G] },
              factsOf(tid, uid, sid, epoch),
            );
            if (verdict === 'pass') left += 1;
            // The first entry that hits decides why; later ones find it gone.
            expect(killed[index] === null).toBe(verdict === 'pass');
          });
          expect(registry.size).toBe(left);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('B12 each is gone before it is cut, and one that throws does not save the others', () => {
    const registry = new Connections();
    const sizes: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      registry.add({
        facts: factsOf('t', 'u', `s${count}`),
        endsAtMs: FOREVER_MS,
        kill: () => {
          sizes.push(registry.size);
          throw new Error('already closed');
        },
      });
    }
    expect(registry.killAll('unavailable')).toBe(3);
    expect(sizes).toEqual([2, 1, 0]);
  });

  it('B12 ends with the session, at the time and not before', () => {
    const arbitrary = fc.record({
      ends: fc.array(fc.integer({ min: 1_000_000, max: 1_010_000 }), { maxLength: 15 }),
      looks: fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 10 }),
      late: fc.integer({ min: 1_000_000, max: 1_010_000 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ ends, looks, late }) => {
        const registry = new Connections();
        const ended = new Map<number, number>();
        let nowMs = 1_000_000;
        const add = (endsAtMs: number, index: number) =>
          registry.add({
            facts: factsOf('t', 'u', `s${index}`),
            endsAtMs,
            kill: () => ended.set(index, nowMs),
          });
        ends.forEach(add);
        looks.forEach((gap, look) => {
          nowMs += gap;
          if (look === 1) add(late, 99);
          registry.expire(nowMs);
          [...ends.entries(), ...(look >= 1 ? [[99, late] as const] : [])].forEach(
            ([index, endsAtMs]) => {
              expect(ended.has(index)).toBe(endsAtMs <= nowMs);
            },
          );
        });
      }),
    );
  });

  it('removing twice is removing once', () => {
    const registry = new Connections();
    const connection = { facts: factsOf('t', 'u', 's'), endsAtMs: FOREVER_MS, kill: () => {} };
    const one = registry.add(connection);
    registry.add(connection);
    registry.remove(one);
    registry.remove(one);
    expect(registry.size).toBe(1);
  });
});
