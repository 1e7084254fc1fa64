import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryLog } from '../../src/revocation/entry-log.ts';
import { hashId, PACKED_BYTES, packId } from '../../src/revocation/packed-id.ts';
import { PositionIndex } from '../../src/revocation/position-index.ts';
import type { Entry } from '../../src/revocation/types.ts';

const entryOf = (position: number, tid: string, sid: string): Entry => ({
  ...{ generation: 'g1', position, operationId: `op${position}`, scope: 'session' },
  ...{ tid, uid: null, sid, sparedSid: null },
});

describe('an index of positions', () => {
  it('B7 finds, replaces and forgets as a map of strings does, with every id in the log alone', () => {
    // Few ids, so that they are met again; some of sixteen bytes, some of any text.
    const packed = Array.from({ length: 40 }, () => randomBytes(16).toString('base64url'));
    const id = fc.constantFrom(
      ...packed,
      'a',
      'b',
      'é',
      'a longer text than twenty-two characters',
    );
    const step = fc.record({ tid: fc.constantFrom('t0', 't1'), id, forget: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.nat(2 ** 33), (steps, before) => {
        const log = new EntryLog(before);
        const index = new PositionIndex(log, 'sid');
        const naive = new Map<string, number>();
        let last = before;
        let first = before + 1;
        for (const { tid, id: sid, forget } of steps) {
          last += 1;
          log.append(entryOf(last, tid, sid));
          index.set(tid, sid, last);
          naive.set(`${tid} ${sid}`, last);
          if (forget) {
            const oldest = log.at(first);
            const key = `${oldest.tid} ${oldest.sid}`;
            index.delete(oldest.tid ?? '', oldest.sid ?? '', first);
            if (naive.get(key) === first) naive.delete(key);
            log.dropFirst();
            first += 1;
          }
          expect(index.size).toBe(naive.size);
        }
        for (const tid of ['t0', 't1', 't2']) {
          for (const sid of [...packed, 'a', 'b', 'é', 'c']) {
            expect(index.find(tid, sid)).toBe(naive.get(`${tid} ${sid}`) ?? 0);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('positions beyond 2^32 are what they are', () => {
    const before = 2 ** 32 - 2;
    const log = new EntryLog(before);
    const index = new PositionIndex(log, 'sid');
    for (let n = 1; n <= 5; n += 1) {
      log.append(entryOf(before + n, 't', `s${n}`));
      index.set('t', `s${n}`, before + n);
    }
    for (let n = 1; n <= 5; n += 1) expect(index.find('t', `s${n}`)).toBe(before + n);
  });
});

describe('packed identifiers', () => {
  it('are the bytes that Buffer makes of them, and nothing else is packed', () => {
    const bytes = Buffer.alloc(PACKED_BYTES);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (raw) => {
        const id = Buffer.from(raw).toString('base64url');
        expect(packId(id, bytes, 0)).toBe(true);
        expect(bytes.equals(raw)).toBe(true);
      }),
    );
    const odd = fc.oneof(
      fc.string({ unit: 'binary', minLength: 22, maxLength: 22 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      fc.string(),
    );
    fc.assert(
      fc.property(odd, (text) => {
        const canonical = /^[A-Za-z0-9_-]{21}[AQgw]$/.test(text);
        expect(packId(text, bytes, 0)).toBe(canonical);
        if (canonical) expect(bytes.toString('base64url')).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('a hash is 32 bits and never 0, which stands for a free slot', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const hash = hashId(text);
        expect(hash > 0 && hash < 2 ** 32 && Number.isInteger(hash)).toBe(true);
      }),
    );
  });
});
