import { expect, test } from 'vitest';
import { createTrailMemory } from '../../src/audit/memory.ts';
import { witnessedIn } from '../../src/audit/witness.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createLogger } from '../../src/observe/logger.ts';

const place = (seq: number, byte = seq) => ({ seq, hash: new Uint8Array(32).fill(byte) });
const base64url = (byte: number) => Buffer.alloc(32, byte).toString('base64url');

function start(most: number) {
  const warnings: object[] = [];
  const memory = createTrailMemory({
    // Whether an operator has accepted what contradicts is asked for; nobody has.
    store: {
      places: async (asked) =>
        asked.map((one) => ({ ...one, hash: null, head: null, base: null, acceptedToken: null })),
    },
    verifiers: () => Promise.reject(new Error('nobody asks')),
    wallNowMs: () => Date.now(),
    log: { ...silentLog, warn: (fields) => warnings.push(fields) },
    most,
  });
  return { memory, warnings };
}

test('B14 ASVS 16.4.2 what is remembered is bounded, and nothing new drives it out', async () => {
  const { memory, warnings } = start(2);
  for (const tid of ['one', 'two', 'three', 'four']) memory.remember(tid, place(5));
  // A known one moves on all the same.
  memory.remember('one', place(6));
  expect(warnings).toEqual([{ most: 2 }]);
  const put = new Map(['one', 'two', 'three', 'four'].map((tid) => [tid, place(1)] as const));
  expect((await memory.contradicted(put)).map(({ tid, remembered }) => [tid, remembered])).toEqual([
    ['one', { seq: 6, hash: base64url(6) }],
    ['two', { seq: 5, hash: base64url(5) }],
  ]);
});

test('B14 a chain that stands where it was left asks the record nothing, and one that is gone is found', async () => {
  const { memory } = start(10);
  memory.remember('a', place(5));
  memory.remember('b', place(5));
  const found = await memory.contradicted(
    new Map([
      ['a', place(5)],
      ['b', place(0)],
      ['never seen', place(3)],
    ]),
  );
  expect(found).toEqual([{ tid: 'b', remembered: { seq: 5, hash: base64url(5) }, found: null }]);
});

test('B14 of the lines of a log, those of checkpoints tell a place, and no other does', () => {
  const tid = newId();
  const good = { tenant_id: tid, seq: 3, sha256: base64url(1), key_id: 'k' };
  const lines: string[] = [];
  createLogger('info', (line) => lines.push(line)).info(good, 'a checkpoint');
  expect(lines).toHaveLength(1);
  expect(witnessedIn(lines[0] ?? '')).toEqual({ tid, seq: 3, hash: base64url(1) });
  expect(witnessedIn(JSON.stringify({ ...good, tenant_id: '' }))).toMatchObject({ tid: '' });
  for (const other of [
    'no JSON with "sha256"',
    '"sha256"',
    'null',
    ...[
      { ...good, tenant_id: 'x' },
      { ...good, tenant_id: undefined },
      { ...good, seq: 0 },
      { ...good, seq: '3' },
      { ...good, seq: 1.5 },
      { ...good, sha256: 'short' },
      { ...good, key_id: undefined },
      { tenant_id: tid, sealed: { seq: 3, sha256: base64url(1) }, found: null },
    ].map((one) => JSON.stringify(one)),
  ]) {
    expect([other, witnessedIn(other)]).toEqual([other, null]);
  }
});
