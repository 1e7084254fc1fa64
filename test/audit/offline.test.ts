import { describe, expect, test } from 'vitest';
import { genesisOf, sealOf } from '../../src/audit/chain.ts';
import { type ExportedLine, lineOf } from '../../src/audit/export.ts';
import { verifyLines } from '../../src/audit/offline.ts';
import type { WitnessedPlace } from '../../src/audit/witness.ts';
import type { TrailRow } from '../../src/record/trail-contract.ts';
import { START_MS } from '../support/seed.ts';

const TID = 't'.repeat(22);

/** An exported trail of sealed rows, as it was written. */
function exported(count: number): ExportedLine[] {
  let previous = genesisOf(TID);
  return Array.from({ length: count }, (_, n) => {
    const row: TrailRow = {
      ...{ tid: TID, id: String(n).padStart(22, 'i'), atUs: START_MS * 1000 },
      ...{ action: 'authn_login_fail', outcome: 'failure', requestId: null, detail: {} },
      ...{ actorKind: 'anonymous', actorUid: null, actorSid: null },
      ...{ subjectKind: null, subjectId: null, ip: '192.0.2.1', userAgent: 'test' },
    };
    const seal = sealOf(previous, n + 1, row, () => new Uint8Array(16));
    const line = lineOf({ row, seal: { ...seal, previous } });
    previous = seal.hash;
    return line;
  });
}

async function* each<One>(all: readonly One[]): AsyncGenerator<One> {
  yield* all;
}

async function verify(lines: readonly ExportedLine[], witness?: readonly WitnessedPlace[]) {
  const texts = each(lines.map((line) => JSON.stringify(line)));
  return await verifyLines(texts, {
    ...{ checkpoints: [], keyOf: () => null },
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
    expect(await verify([at(lines, 1), at(lines, 4)])).toMatchObject({ gaps: 2, wrong: 0 });
  });

  test('a changed row that does not say what it follows is no good one, whatever stands before it', async () => {
    const lines = exported(5);
    const victim = at(lines, 3);
    if (victim.seal === null) throw new Error('not sealed');
    const forged: ExportedLine = {
      ...{ ...victim, action: 'authn_logout', seal: { ...victim.seal, previous: null } },
    };
    // With the row before it left out, as a filter does.
    const { problems } = await verify([at(lines, 1), forged, at(lines, 4)]);
    expect(problems).toMatchObject([{ kind: 'changed', seq: 4, id: victim.id }]);
    const first = { ...at(lines, 0), action: 'authn_logout' };
    expect((await verify([first])).problems).toMatchObject([{ kind: 'changed', seq: 1 }]);
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
});
