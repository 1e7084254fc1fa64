import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newId } from '../../src/id.ts';
import { digestOf, entryLine } from '../../src/revocation/digest.ts';
import { EntryLog } from '../../src/revocation/entry-log.ts';
import type { Entry } from '../../src/revocation/types.ts';

const id = fc.oneof(
  fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => Buffer.from(bytes).toString('base64url')),
  // Looks like an id, and is not canonical: its last character carries bits that 16 bytes do not.
  fc.constant('AAAAAAAAAAAAAAAAAAAAAB'),
  fc.string({ maxLength: 40, unit: 'binary' }).filter((text) => text.isWellFormed()),
);
const entry = fc.record({
  generation: id,
  operationId: id,
  scope: fc.constantFrom('all', 'tenant', 'user', 'session', 'reissue'),
  tid: fc.option(id),
  uid: fc.option(id),
  sid: fc.option(id),
  sparedSid: fc.option(id),
});

describe('the entries of a view', () => {
  it('come back as they were, whatever was dropped before them', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 40 }),
        fc.nat(1000),
        fc.nat(40),
        (drawn, before, drop) => {
          const log = new EntryLog(before);
          const entries: Entry[] = drawn.map((each, index) => ({
            ...each,
            position: before + index + 1,
          }));
          for (const each of entries) log.append(each);
          const dropped = Math.min(drop, entries.length);
          for (let count = 0; count < dropped; count += 1) log.dropFirst();
          expect(log.length).toBe(entries.length - dropped);
          expect([...log.range(before + dropped + 1, before + entries.length)]).toEqual(
            entries.slice(dropped),
          );
          expect(() => log.at(before + dropped)).toThrow(RangeError);
          expect(() => log.at(before + entries.length + 1)).toThrow(RangeError);
        },
      ),
    );
  });

  it('take less than 80 bytes each', () => {
    const log = new EntryLog(0);
    const tenants = Array.from({ length: 50 }, newId);
    const count = 30_000;
    for (let position = 1; position <= count; position += 1) {
      log.append({
        generation: 'AAAAAAAAAAAAAAAAAAAAAA',
        position,
        operationId: newId(),
        scope: 'session',
        tid: tenants[position % 50] ?? null,
        uid: newId(),
        sid: newId(),
        sparedSid: null,
      });
    }
    expect(log.byteLength / count).toBeLessThan(80);
    expect(log.at(27_777).position).toBe(27_777);
  });
});

describe('RECONCILE: the digest', () => {
  const one: Entry = {
    generation: 'g',
    position: 1,
    operationId: 'op',
    scope: 'user',
    tid: 't',
    uid: 'u',
    sid: null,
    sparedSid: 's',
  };

  it('is SHA-256 over one line an entry', () => {
    expect(entryLine(one)).toBe('1|g|op|user|t|u||s');
    const text = '1|g|op|user|t|u||s\n2|g|op|user|t|u||s';
    expect(digestOf([one, { ...one, position: 2 }])).toBe(
      createHash('sha256').update(text).digest('hex'),
    );
    expect(digestOf([])).toBe(createHash('sha256').update('').digest('hex'));
  });

  it('tells any two different entries apart', () => {
    const digests = new Set(
      [
        one,
        { ...one, uid: null, sid: 'u' },
        { ...one, sparedSid: null },
        { ...one, position: 2 },
        { ...one, scope: 'session' },
      ].map((each) => digestOf([each])),
    );
    expect(digests.size).toBe(5);
  });
});
