import { describe, expect, test } from 'vitest';
import { genesisOf, sealOf } from '../../src/audit/chain.ts';
import { type ExportedLine, lineOf } from '../../src/audit/export.ts';
import { rowOfLine } from '../../src/audit/export-line.ts';
import { verifyLines } from '../../src/audit/offline.ts';
import type { WitnessedPlace } from '../../src/audit/witness.ts';
import type { TrailRow } from '../../src/record/trail-contract.ts';
import { signCheckpoint } from '../../src/token/checkpoint.ts';
import { makeSigningKey, openSigner, verifierOf } from '../../src/token/signing-key.ts';
import { ring, START_MS } from '../support/seed.ts';

const TID = 't'.repeat(22);

/** An exported trail of sealed rows, as it was written. */
function exported(count: number, more: Partial<TrailRow> = {}): ExportedLine[] {
  let previous = genesisOf(TID);
  return Array.from({ length: count }, (_, n) => {
    const row: TrailRow = {
      ...{ tid: TID, id: String(n).padStart(22, 'i'), atUs: START_MS * 1000 },
      ...{ action: 'authn_login_fail', outcome: 'failure', requestId: null, detail: {} },
      ...{ actorKind: 'anonymous', actorUid: null, actorSid: null },
      ...{ subjectKind: null, subjectId: null, ip: '192.0.2.1', userAgent: 'test' },
      ...more,
    };
    const seal = sealOf(previous, n + 1, row, () => new Uint8Array(16));
    const line = lineOf({ row, seal: { ...seal, previous } });
    previous = seal.hash;
    return line;
  });
}

/** Other rows than those from `from` to `to`, a day later, with good seals. */
function rechained(lines: readonly ExportedLine[], from: number, to: number): ExportedLine[] {
  let previous = Buffer.from(at(lines, from - 1).seal?.hash ?? '', 'base64url');
  return Array.from({ length: to - from }, (_, n) => {
    const row = rowOfLine({ ...at(lines, from + n), action: 'authn_logout' });
    const later = { ...row, atUs: row.atUs + 86_400_000_000 };
    const seal = sealOf(previous, from + n + 1, later, () => new Uint8Array(16));
    const line = lineOf({ row: later, seal: { ...seal, previous } });
    previous = Buffer.from(seal.hash);
    return line;
  });
}

async function* each<One>(all: readonly One[]): AsyncGenerator<One> {
  yield* all;
}

async function verify(
  lines: readonly ExportedLine[],
  witness?: readonly WitnessedPlace[],
  filtered = false,
) {
  const texts = each(lines.map((line) => JSON.stringify(line)));
  return await verifyLines(texts, {
    ...{ checkpoints: [], keyOf: () => null, filtered },
    ...(witness === undefined ? {} : { witness: each(witness) }),
  });
}

function at(lines: readonly ExportedLine[], n: number): ExportedLine {
  const line = lines[n];
  if (line === undefined) throw new Error('no such row');
  return line;
}

describe('B14 ASVS 16.4.2 an exported file is verified by itself', () => {
  test('as it was written, whole or filtered', async () => {
    const lines = exported(5);
    expect(await verify(lines)).toMatchObject({ rows: 5, gaps: 0, wrong: 0 });
    const some = [at(lines, 1), at(lines, 4)];
    expect(await verify(some, undefined, true)).toMatchObject({ gaps: 2, wrong: 0 });
    // Whoever did not say that rows were left out hears of them.
    const { problems, trails } = await verify(some);
    expect(problems).toMatchObject([{ kind: 'removed', seq: 3, id: null }]);
    expect(trails).toMatchObject([{ from: 2, to: 5, missing: 2, unvouched: null }]);
  });

  test('a changed row that does not say what it follows is no good one, whatever stands before it', async () => {
    const lines = exported(5);
    const victim = at(lines, 3);
    if (victim.seal === null) throw new Error('not sealed');
    const forged: ExportedLine = {
      ...{ ...victim, action: 'authn_logout', seal: { ...victim.seal, previous: null } },
    };
    // With the row before it left out, as a filter does.
    const { problems } = await verify([at(lines, 1), forged, at(lines, 4)], undefined, true);
    expect(problems).toMatchObject([{ kind: 'changed', seq: 4, id: victim.id }]);
    const first = { ...at(lines, 0), action: 'authn_logout' };
    expect((await verify([first])).problems).toMatchObject([{ kind: 'changed', seq: 1 }]);
  });

  test('what a line says beside what its seal covers is no good row', async () => {
    const lines = exported(2, { actorKind: 'user', actorUid: 'ann' });
    const line = at(lines, 1);
    const actor = { ...line.actor, user_id: 'bob', client_id: 'ann' };
    for (const more of [
      ...[{ actor }, { actor: { ...line.actor, name: 'bob' } }, { by: 'bob' }],
      { at: line.at.replace('Z', '0009Z') },
    ]) {
      const { problems } = await verify([at(lines, 0), { ...line, ...more }]);
      expect([more, problems]).toMatchObject([more, [{ kind: 'changed', seq: 2 }]]);
    }
    expect(await verify(lines)).toMatchObject({ wrong: 0 });
  });

  test('a log that was kept names the rows of another chain than the one that it tells of', async () => {
    const lines = exported(5);
    const placeOf = (n: number, hash = at(lines, n).seal?.hash ?? '') => ({
      ...{ tid: TID, seq: n + 1, hash },
    });
    expect(await verify(lines)).toMatchObject({ witnessed: null, wrong: 0 });
    const elsewhere = { ...placeOf(1), tid: 'u'.repeat(22) };
    const agreeing = [placeOf(1), placeOf(4), elsewhere];
    expect(await verify(lines, agreeing)).toMatchObject({ witnessed: 2, wrong: 0 });
    const other = placeOf(3, at(lines, 2).seal?.hash);
    const found = await verify(lines, [placeOf(1), other]);
    expect(found).toMatchObject({ witnessed: 1, wrong: 1 });
    expect(found.problems).toMatchObject([{ kind: 'rewritten', seq: 4, id: at(lines, 3).id }]);
  });

  test('a file that was forged between places, with the rows of these left out, is no good one', async () => {
    const good = exported(12);
    const other = exported(12, { action: 'authn_logout' });
    const places = [5, 10].map((seq) => ({
      ...{ tid: TID, seq, hash: at(good, seq - 1).seal?.hash ?? '' },
    }));
    // Its rows from the sixth on follow from each other, whoever wrote them.
    const forged = [...good.slice(0, 5), ...rechained(good, 5, 9)];
    const told = await verify([...forged, ...good.slice(10)], places);
    expect(told.problems.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['removed', 10],
      ['removed', 10],
      ['unsigned', 6],
    ]);
    expect(told.trails).toEqual([
      {
        ...{ tid: TID, from: 1, to: 12, missing: 1, absent: 1, unvouched: 6 },
        ...{ vouchedTo: 5, beyond: null },
      },
    ]);
    // Said to be filtered it is counted.
    const filtered = await verify([...forged, ...good.slice(10)], places, true);
    expect(filtered).toMatchObject({ wrong: 0, trails: [{ absent: 1, unvouched: 6 }] });
    // Cut before the place: what goes on for more than the minutes that a signature takes is named.
    const cut = await verify(forged, places);
    expect(cut).toMatchObject({ wrong: 1, trails: [{ to: 9, beyond: 10, unvouched: 4 }] });
    expect(cut.problems).toMatchObject([{ kind: 'unsigned', seq: 6 }]);
    // Nothing of it is vouched for.
    expect((await verify(other, [])).problems).toMatchObject([{ kind: 'unsigned', seq: 1 }]);
    expect((await verify([], places)).problems).toMatchObject([{ kind: 'removed', seq: null }]);
    expect(await verify([], places, true)).toMatchObject({ rows: 0, wrong: 0, trails: [] });
  });

  test('what was written within the five minutes that a signature may take is counted, and no fault', async () => {
    const lines = exported(4);
    const place = { tid: TID, seq: 3, hash: at(lines, 2).seal?.hash ?? '' };
    const beyond = { tid: TID, seq: 9, hash: place.hash };
    expect(await verify(lines, [place, beyond])).toMatchObject({
      ...{ wrong: 0, trails: [{ vouchedTo: 3, unvouched: 1, beyond: 9 }] },
    });
    expect(await verify(lines.slice(0, 3), [place])).toMatchObject({
      ...{ wrong: 0, trails: [{ unvouched: 0, beyond: null }] },
    });
  });

  test('a row put in with a number that another one has, and neighbours in whatever order', async () => {
    const lines = exported(5);
    const backwards = lines.toReversed();
    expect(await verify(backwards)).toMatchObject({ rows: 5, gaps: 0, wrong: 0 });
    const again = { ...at(lines, 2), id: 'x'.repeat(22) };
    const found = (await verify([...lines, again])).problems;
    expect(found.map(({ kind, seq, id }) => [kind, seq, id])).toEqual([
      ['changed', 3, again.id],
      ['inserted', 3, again.id],
    ]);
    // Both are good rows of a chain, of one each.
    const other = exported(5, { action: 'authn_logout' });
    for (const mixed of [
      [at(lines, 1), at(other, 2)],
      [at(other, 2), at(lines, 1)],
    ]) {
      const { problems } = await verify(mixed);
      expect(problems).toMatchObject([{ kind: 'changed', seq: 3, id: at(other, 2).id }]);
    }
  });

  test('a kept checkpoint names a chain that was rewritten; one without a key of the file says so', async () => {
    const lines = exported(4);
    const { purpose: _, ...key } = await makeSigningKey(ring, 0, 'ES256', 'audit-key-sealing');
    const verifier = verifierOf(key);
    const sign = async (seq: number, hash: string | undefined) =>
      signCheckpoint(openSigner(ring, key, 'audit-key-sealing'), {
        ...{ kind: 'checkpoint', issuer: 'https://i.example', tid: TID, seq, atMs: START_MS },
        hash: Buffer.from(hash ?? '', 'base64url'),
      });
    const keyOf = (kid: string) => (kid === key.kid ? verifier : null);
    const texts = () => each(lines.map((line) => JSON.stringify(line)));
    const good = await sign(2, at(lines, 1).seal?.hash);
    const beyond = await sign(9, at(lines, 1).seal?.hash);
    const whole = await verifyLines(texts(), { checkpoints: [good, beyond], keyOf });
    expect(whole).toMatchObject({ checkpoints: 1, wrong: 0 });
    const other = await sign(3, at(lines, 1).seal?.hash);
    const told = await verifyLines(texts(), { checkpoints: [good, other], keyOf });
    expect(told).toMatchObject({ checkpoints: 1, wrong: 1 });
    expect(told.problems).toMatchObject([{ kind: 'rewritten', seq: 3, id: at(lines, 2).id }]);
    const unknown = await verifyLines(texts(), { checkpoints: [good], keyOf: () => null });
    expect(unknown.problems).toMatchObject([
      { kind: 'unsigned', seq: null, id: null },
      // So nothing vouches for the rows, either.
      { kind: 'unsigned', seq: 1, id: null },
    ]);
  });

  test('a line that is no row is a SyntaxError with its number, whatever is wrong with it', async () => {
    const good = at(exported(1), 0);
    const { seal } = good;
    const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`);
    const wrong: readonly [unknown, string][] = [
      ['text', 'it:'],
      [null, 'it:'],
      [[], 'it:'],
      [{}, 'id:'],
      [{ ...good, at: 'yesterday' }, 'at:'],
      [{ ...good, at: 12 }, 'at:'],
      [{ ...good, actor: undefined }, 'actor:'],
      [{ ...good, actor: { kind: 'user' } }, 'actor.user_id:'],
      [{ ...good, subject: 'user' }, 'subject:'],
      [{ ...good, ip: undefined }, 'ip:'],
      [{ ...good, detail: null }, 'detail:'],
      [{ ...good, detail: { deep } }, 'detail:'],
      [{ ...good, seal: undefined }, 'seal:'],
      [{ ...good, seal: { hash: 'AAAA' } }, 'seal.sequence:'],
      [{ ...good, seal: { ...seal, sequence: 1.5 } }, 'seal.sequence:'],
      [{ ...good, seal: { ...seal, hash: 'AAAA' } }, 'seal.hash:'],
      [{ ...good, seal: { ...seal, previous: 1 } }, 'seal.previous:'],
      [{ ...good, seal: { ...seal, personal: {} } }, 'seal.personal:'],
      [{ ...good, seal: { ...seal, salt: 'x' } }, 'seal.salt:'],
    ];
    for (const [value, where] of wrong) {
      const lines = each([JSON.stringify(good), '', JSON.stringify(value)]);
      const judged = verifyLines(lines, { checkpoints: [], keyOf: () => null });
      const error = await judged.catch((thrown: unknown) => thrown);
      expect([where, error]).toEqual([where, expect.any(SyntaxError)]);
      expect((error as SyntaxError).message).toMatch(
        /^line 3 is no row of an exported audit trail/,
      );
      expect((error as SyntaxError).message).toContain(`: ${where} `);
    }
    const noJson = verifyLines(each(['{"id":']), { checkpoints: [], keyOf: () => null });
    await expect(noJson).rejects.toThrow(new SyntaxError('line 1 is no JSON'));
  });
});
