import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isPrunedBy, type KeyOf } from '../../src/audit/base.ts';
import { genesisOf, sealOf } from '../../src/audit/chain.ts';
import { judgeCover, SIGNED_WITHIN_MS } from '../../src/audit/signed.ts';
import { type VerifyOptions, verifyTrail } from '../../src/audit/verifier.ts';
import { type Problem, reportGap } from '../../src/audit/verify.ts';
import type { SealedRow, TrailState } from '../../src/record/trail-contract.ts';
import { type CheckpointClaims, signCheckpoint } from '../../src/token/checkpoint.ts';
import type { Signer, Verifier } from '../../src/token/signing-key.ts';

const TID = 'a-tenant';
const BEGUN_MS = Date.UTC(2030, 0, 1);
const NOW_MS = BEGUN_MS + 60_000;
const HOUR_MS = 3_600_000;

function key(kid: string): Signer & Verifier {
  return { kid, alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}
const ours = key('ours');
/** In the record, and of a secret that was exchanged. */
const former = key('former');
const keyOf =
  (...keys: readonly Verifier[]): KeyOf =>
  (kid) =>
    keys.find((one) => one.kid === kid) ?? null;

/** A chain of `count` rows, all of it sealed. */
function chainOf(count: number): SealedRow[] {
  const chain: SealedRow[] = [];
  let previous = genesisOf(TID);
  for (let seq = 1; seq <= count; seq += 1) {
    const row = {
      ...{ tid: TID, id: `row-${seq}`, atUs: (BEGUN_MS + seq) * 1000, action: 'user_created' },
      ...{ outcome: 'success', actorKind: 'operator', actorUid: null, actorSid: null },
      ...{ subjectKind: 'user', subjectId: `u${seq}`, ip: null, userAgent: null },
      ...{ requestId: null, detail: {} },
    };
    const seal = sealOf(previous, seq, row, () => new Uint8Array(16));
    chain.push({ ...seal, row, sealedAtMs: BEGUN_MS + seq + 1, old: false });
    previous = seal.hash;
  }
  return chain;
}

const chain = chainOf(5);
function at(seq: number): SealedRow {
  const found = chain[seq - 1];
  if (found === undefined) throw new Error('the chain of the tests is shorter');
  return found;
}
const place = (seq: number) => ({ seq, hash: at(seq).hash });

function claims(seq: number, more: Partial<CheckpointClaims> = {}): CheckpointClaims {
  const hash = chain[seq - 1]?.hash ?? new Uint8Array(32);
  const kind = 'checkpoint';
  return { kind, issuer: 'http://localhost', tid: TID, seq, hash, atMs: BEGUN_MS, ...more };
}
const signed = (seq: number, more: Partial<CheckpointClaims> = {}, by: Signer = ours) =>
  signCheckpoint(by, claims(seq, more));

function stateOf(more: Partial<TrailState> = {}): TrailState {
  return {
    ...{ tid: TID, known: true, chained: true, head: place(5), signedToken: null, signedSeq: 0 },
    ...{ unsignedSinceMs: null, sealing: true, nowMs: NOW_MS, begunAtMs: BEGUN_MS, base: null },
    ...{ acceptedToken: null, firstSeal: 1, lastSeal: 5, waiting: 0, lost: [] },
    ...more,
  };
}

interface Recorded {
  /** One state after the other, as they are asked for; the last one stays. */
  readonly states: readonly TrailState[];
  readonly rows?: readonly SealedRow[];
  readonly checkpoints?: readonly { readonly seq: number; readonly token: string }[];
  readonly kept?: readonly CheckpointClaims[];
}

function verify({ states, rows = chain, checkpoints = [], kept = [] }: Recorded) {
  let asked = 0;
  const store: VerifyOptions['store'] = {
    async state() {
      const state = states[Math.min(asked, states.length - 1)];
      asked += 1;
      return state ?? stateOf();
    },
    sealed: async (_tid, after, limit) => rows.filter(({ seq }) => seq > after).slice(0, limit),
    unsealed: async () => ({ last: null, looked: 0, rows: [] }),
    checkpoints: async (_tid, after) =>
      checkpoints
        .filter(({ seq }) => seq > after)
        .map((one) => ({ ...one, signedAtMs: BEGUN_MS, chainHash: null })),
  };
  const keys = { ours: keyOf(ours), recorded: keyOf(ours, former) };
  return verifyTrail(TID, { store, keys, kept });
}

const named = (problems: readonly Problem[]) => problems.map(({ kind, seq }) => [kind, seq]);

describe('B14 what a signature covers', () => {
  test('is told with when it was made: first, whoever has said it again since', async () => {
    const states = [stateOf({ signedToken: await signed(5), signedSeq: 5 })];
    const again = claims(5, { atMs: BEGUN_MS + HOUR_MS });
    for (const kept of [[], [again]]) {
      expect(await verify({ states, kept })).toMatchObject({
        ...{ wrong: 0, signedTo: 5, signedAtMs: BEGUN_MS },
      });
    }
    const newer = [stateOf({ signedToken: await signed(5, again), signedSeq: 5 })];
    expect(await verify({ states: newer, kept: [claims(5)] })).toMatchObject({
      ...{ wrong: 0, signedTo: 5, signedAtMs: BEGUN_MS },
    });
  });

  test('of a chain that was cut off, it is what is left, and nobody is told that the end was signed', async () => {
    const report = await verify({
      states: [
        stateOf({ head: place(3), lastSeal: 3, signedToken: await signed(5), signedSeq: 5 }),
      ],
      rows: chain.slice(0, 3),
      checkpoints: [{ seq: 2, token: await signed(2) }],
    });
    expect(named(report.problems)).toEqual([
      ['removed', 4],
      ['removed', 5],
    ]);
    expect(report).toMatchObject({ to: 3, signedTo: 2, signedAtMs: null });
  });

  test('a checkpoint of another place, and one of another tenant, vouch for nothing', async () => {
    const states = [stateOf({ signedToken: await signed(5), signedSeq: 5 })];
    for (const token of [await signed(2), await signed(3, { tid: 'another' })]) {
      const { problems } = await verify({ states, checkpoints: [{ seq: 3, token }] });
      expect(named(problems)).toEqual([['unsigned', 3]]);
    }
    const kept = [claims(2, { tid: 'another', hash: new Uint8Array(32) })];
    expect(await verify({ states, kept })).toMatchObject({ wrong: 0 });
  });
});

describe('B14 a checkpoint of a key that opens no more', () => {
  test('shows that there was a chain where nothing of it is left', async () => {
    const gone = { chained: false, head: null, firstSeal: null, lastSeal: null };
    const { problems } = await verify({
      ...{ states: [stateOf(gone)], rows: [] },
      checkpoints: [{ seq: 1, token: await signed(1, {}, former) }],
    });
    expect(named(problems)).toEqual([
      ['unsigned', 1],
      ['unchained', null],
      ['removed', 1],
    ]);
  });

  test('shows that the chain was longer', async () => {
    const { problems } = await verify({
      ...{ states: [stateOf({ head: place(3), lastSeal: 3 })], rows: chain.slice(0, 3) },
      checkpoints: [{ seq: 5, token: await signed(5, {}, former) }],
    });
    expect(named(problems)).toEqual([
      ['unsigned', 5],
      ['removed', 4],
      ['removed', 5],
    ]);
  });
});

test('B14 what was pruned while it was read is not said to be missing', async () => {
  const whole = stateOf({ signedToken: await signed(5), signedSeq: 5 });
  const token = await signed(2, { kind: 'pruned' });
  const pruned = { ...whole, base: { ...place(2), token }, firstSeal: 3 };
  const report = await verify({ states: [whole, pruned], rows: chain.slice(2) });
  expect(report).toMatchObject({ wrong: 0, from: 3, to: 5, rows: 3 });
});

test('B14 a checkpoint that names another hash where verification begins is told of', async () => {
  const base = { ...place(2), token: await signed(2, { kind: 'pruned' }) };
  const states = [stateOf({ base, firstSeal: 3, signedToken: await signed(5), signedSeq: 5 })];
  const rows = chain.slice(2);
  expect(await verify({ states, rows, kept: [claims(2)] })).toMatchObject({ wrong: 0 });
  const { problems } = await verify({ states, rows, kept: [claims(2, { hash: at(1).hash })] });
  expect(named(problems)).toEqual([['rewritten', 2]]);
});

test('B14 of a long gap a hundred are named, and the last of them says how many more there are', () => {
  const problems: Problem[] = [];
  reportGap(TID, 1, 150, (problem) => problems.push(problem));
  expect(problems.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  expect(problems.filter(({ detail }) => detail.includes('150'))).toEqual([problems.at(-1)]);
  reportGap(TID, 7, 8, (problem) => problems.push(problem));
  expect(problems.slice(100).map(({ seq }) => seq)).toEqual([7, 8]);
});

test('B14 pruning is proved by its own place alone', async () => {
  const base = async (more: Partial<CheckpointClaims>, by: Signer = ours) => ({
    ...place(2),
    token: await signed(2, { kind: 'pruned', ...more }, by),
  });
  const judged = async (one: Awaited<ReturnType<typeof base>>) => isPrunedBy(keyOf(ours), TID, one);
  expect(await judged(await base({}))).toBe(true);
  for (const other of [
    { kind: 'checkpoint' } as const,
    { kind: 'accepted' } as const,
    { tid: 'another' },
    { seq: 3 },
    { hash: at(3).hash },
  ]) {
    expect([other, await judged(await base(other))]).toEqual([other, false]);
  }
  expect(await judged(await base({}, former))).toBe(false);
  expect(await isPrunedBy(keyOf(ours), TID, { ...place(2), token: null })).toBe(false);
});

describe('B14 what nobody has signed', () => {
  const LATE_MS = SIGNED_WITHIN_MS + 1;
  const since = NOW_MS - LATE_MS;
  const uncovered = { seq: 4, id: 'row-4', sealedAtMs: since, lastMs: since };
  const stopped = { sealing: false, unsignedSinceMs: since };
  const judged = (state: Partial<TrailState>, one: Parameters<typeof judgeCover>[1]) => {
    const problems: Problem[] = [];
    judgeCover(stateOf(state), one, (problem) => problems.push(problem));
    return named(problems);
  };

  test('may wait for a while, and for longer where the nodes were stopped just then', () => {
    expect(judged({}, null)).toEqual([]);
    const recent = NOW_MS - SIGNED_WITHIN_MS;
    expect(judged({}, { ...uncovered, sealedAtMs: recent, lastMs: recent })).toEqual([]);
    expect(judged(stopped, uncovered)).toEqual([]);
  });

  test.each([
    ['a node seals', { ...stopped, sealing: true }, {}],
    ['nobody says since when it waits', { ...stopped, unsignedSinceMs: null }, {}],
    ['it has waited since another time', { ...stopped, unsignedSinceMs: since - LATE_MS }, {}],
    ['sealing went on for longer', stopped, { lastMs: since + LATE_MS }],
  ])('is named when %s', (_why, state, more) => {
    expect(judged(state, { ...uncovered, ...more })).toEqual([['unsigned', 4]]);
  });
});
