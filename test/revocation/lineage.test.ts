import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { History } from '../../src/revocation/lineage.ts';
import type { Generation } from '../../src/revocation/types.ts';

/** A history that happened: commits, and failovers that lose some of the last entries. */
const happened = fc
  .array(fc.record({ commits: fc.nat(5), lost: fc.nat(4) }), { minLength: 1, maxLength: 8 })
  .map((stretches) => {
    const generations: Generation[] = [];
    /** Names that ever existed, and those that still count. */
    const ever: { generation: string; position: number }[] = [];
    let log: { generation: string; position: number }[] = [];
    stretches.forEach(({ commits, lost }, index) => {
      if (index > 0) log = log.slice(0, Math.max(0, log.length - lost));
      generations.push({
        id: `g${index}`,
        parent: index === 0 ? null : `g${index - 1}`,
        parentEnd: index === 0 ? 0 : log.length,
        settled: false,
      });
      for (let commit = 0; commit < commits; commit += 1) {
        const name = { generation: `g${index}`, position: log.length + 1 };
        log.push(name);
        ever.push(name);
      }
    });
    return { lineage: generations.reverse(), ever, log };
  });

describe('LINEAGE', () => {
  it('B9 HAND IN: an entry is lost exactly when its name is not in the history', () => {
    fc.assert(
      fc.property(happened, ({ lineage, ever, log }) => {
        const history = new History(lineage);
        const kept = new Set(log.map((name) => `${name.generation}/${name.position}`));
        for (const name of ever) {
          expect(history.has(name)).toBe(kept.has(`${name.generation}/${name.position}`));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a view goes on exactly when it is a prefix of the new history', () => {
    fc.assert(
      fc.property(happened, ({ lineage, ever, log }) => {
        const history = new History(lineage);
        for (const end of ever) {
          // A view that ends with this entry was built of the log as it was then; its end tells all of it.
          const counts = log[end.position - 1]?.generation === end.generation;
          expect(history.continues(end)).toBe(counts);
        }
        expect(history.continues({ generation: lineage[0]?.id ?? '', position: log.length })).toBe(
          true,
        );
        expect(history.continues({ generation: 'never', position: 0 })).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('the newest generation has no end; each older one ends where a later one cut it', () => {
    const history = new History([
      { id: 'c', parent: 'b', parentEnd: 7, settled: true },
      { id: 'b', parent: 'a', parentEnd: 9, settled: true },
      { id: 'a', parent: null, parentEnd: 0, settled: true },
    ]);
    expect(history.newest).toBe('c');
    expect(history.endOf('c')).toBe(Number.POSITIVE_INFINITY);
    expect(history.endOf('b')).toBe(7);
    expect(history.endOf('a')).toBe(7);
    expect(history.endOf('z')).toBeUndefined();
    expect(history.has({ generation: 'b', position: 8 })).toBe(false);
    expect(new History([]).newest).toBeNull();
  });
});
