import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createTrailMemory } from '../../src/audit/memory.ts';
import { witnessedIn } from '../../src/audit/witness.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createLogger } from '../../src/observe/logger.ts';
import type { PlaceFound } from '../../src/record/trail-contract.ts';
import { type CheckpointClaims, signCheckpoint } from '../../src/token/checkpoint.ts';

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

describe('B14 a chain that is not what it was', () => {
  const key = {
    ...{ kid: 'ours', alg: 'ES256' as const },
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  };
  const signed = (kind: CheckpointClaims['kind'], seq: number, more: Partial<CheckpointClaims>) =>
    signCheckpoint(key, {
      ...{ kind, issuer: 'http://localhost', tid: 'a', ...place(seq), atMs: 2_000 },
      ...more,
    });

  /** Remembered at 5 at the time 1000; now it stands at 9. `found`: what the record has of it. */
  async function contradicted(found: Partial<PlaceFound>, there: readonly number[] = []) {
    const memory = createTrailMemory({
      store: {
        places: async (asked) =>
          asked.map((one) => ({
            ...{ ...one, head: place(9), base: null, acceptedToken: null },
            hash: there.includes(one.seq) ? place(one.seq).hash : null,
            ...found,
          })),
      },
      verifiers: async () => (kid) => (kid === key.kid ? key : null),
      wallNowMs: () => 1_000,
      log: silentLog,
    });
    memory.remember('a', place(5));
    return (await memory.contradicted(new Map([['a', place(9)]]))).length > 0;
  }

  test('unless a key of ours has pruned it up to there or beyond', async () => {
    const base = async (seq: number) => ({ ...place(seq), token: await signed('pruned', seq, {}) });
    expect(await contradicted({}, [5])).toBe(false);
    expect(await contradicted({})).toBe(true);
    expect(await contradicted({ base: await base(5) })).toBe(false);
    expect(await contradicted({ base: await base(7) })).toBe(false);
    expect(await contradicted({ base: await base(4) })).toBe(true);
    expect(await contradicted({ base: { ...place(7), token: null } })).toBe(true);
  });

  test('unless an operator has accepted it since, and what they accepted is part of it', async () => {
    const accepted = async (more: Partial<CheckpointClaims> = {}, there = [8]) =>
      !(await contradicted({ acceptedToken: await signed('accepted', 8, more) }, there));
    expect(await accepted()).toBe(true);
    expect(await accepted({}, [])).toBe(false);
    expect(await accepted({ hash: place(7).hash })).toBe(false);
    expect(await accepted({ atMs: 1_000 })).toBe(false);
    expect(await accepted({ tid: 'b' })).toBe(false);
    expect(await accepted({ kind: 'checkpoint' })).toBe(false);
    expect(await contradicted({ acceptedToken: 'made.up.by-somebody' }, [8])).toBe(true);
  });
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
