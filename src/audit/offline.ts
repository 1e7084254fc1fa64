import type { TrailRow } from '../record/trail-contract.ts';
import { readCheckpoint } from '../token/checkpoint.ts';
import type { KeyOf } from './base.ts';
import { chainHash, hasPersonal, personalHash, sameBytes } from './chain.ts';
import type { ExportedLine } from './export.ts';
import { parseLine, rowOfLine } from './export-line.ts';
import { createFileChains, firstPrevious } from './file-chains.ts';
import type { Problem } from './verify.ts';
import type { WitnessedPlace } from './witness.ts';

/** What was found out about an exported file. */
export interface FileReport {
  readonly rows: number;
  readonly unsealed: number;
  /** Rows whose neighbour in the chain is not in the file: of a filtered export, or removed. */
  readonly gaps: number;
  /** Checkpoints that name a row of the file and agree with it. */
  readonly checkpoints: number;
  /** The same of places that a log tells of; null where there was none. */
  readonly witnessed: number | null;
  readonly wrong: number;
  readonly problems: readonly Problem[];
}

const MOST_PROBLEMS = 1_000;

/**
 * Verifies exported JSON lines without the record: every row against its seal, rows against their neighbours as far as the
 * file has them, and the chain against checkpoints that were kept and places that a log tells of. A million rows take about
 * 200 MB (`FileChains`).
 *
 * @throws SyntaxError for a line that is no exported row, with its number.
 */
export async function verifyLines(
  lines: AsyncIterable<string>,
  options: {
    readonly checkpoints: readonly string[];
    readonly keyOf: KeyOf;
    readonly witness?: AsyncIterable<WitnessedPlace>;
    readonly onRows?: (rows: number) => void;
  },
): Promise<FileReport> {
  const problems: Problem[] = [];
  let wrong = 0;
  const report = (problem: Problem): void => {
    wrong += 1;
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
  };
  const chains = createFileChains(report);
  let [number, rows, unsealed] = [0, 0, 0];
  for await (const text of lines) {
    number += 1;
    if (text.trim() === '') continue;
    const line = parseLine(text, number);
    rows += 1;
    options.onRows?.(1);
    const { seal, tenant_id: tid, id } = line;
    if (seal === null) {
      unsealed += 1;
      continue;
    }
    const { sequence: seq, hash } = seal;
    const previous = seq === 1 ? firstPrevious(tid) : seal.previous;
    const detail = lineProblem(rowOfLine(line), seal, previous);
    if (detail !== null) report({ kind: 'changed', tid, seq, id, detail });
    chains.add({ tid, seq, id, hash, previous: previous ?? '' });
  }
  let agreeing = 0;
  for (const token of options.checkpoints) {
    const read = await readCheckpoint(token, options.keyOf);
    if (read.kind !== 'good') {
      const detail = 'a checkpoint bears no signature of the given keys';
      report({ kind: 'unsigned', tid: '', seq: null, id: null, detail });
      continue;
    }
    const { tid, seq, hash } = read.claims;
    const row = chains.at(tid, seq);
    if (row === null) continue;
    if (row.hash === Buffer.from(hash).toString('base64url')) agreeing += 1;
    else {
      const detail = 'a signed checkpoint names another hash here';
      report({ kind: 'rewritten', tid, seq, id: row.id, detail });
    }
  }
  let witnessed = 0;
  for await (const { tid, seq, hash } of options.witness ?? []) {
    const row = chains.at(tid, seq);
    if (row === null) continue;
    if (row.hash === hash) witnessed += 1;
    else {
      const detail = 'the log has another hash here';
      report({ kind: 'rewritten', tid, seq, id: row.id, detail });
    }
  }
  return {
    ...{ rows, unsealed, gaps: chains.gaps(), checkpoints: agreeing },
    ...{ witnessed: options.witness === undefined ? null : witnessed, wrong, problems },
  };
}

function lineProblem(
  row: TrailRow,
  seal: NonNullable<ExportedLine['seal']>,
  previous: string | null,
): string | null {
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  const personal = seal.personal === null ? null : bytes(seal.personal);
  // Whoever changes a row leaves this out: its hash could not be told from a good one.
  if (previous === null) return 'it does not say what it follows, so that nothing vouches for it';
  if (!sameBytes(chainHash(bytes(previous), row, personal), bytes(seal.hash))) {
    return 'its hash does not follow from what it says';
  }
  if (personal === null || seal.salt === null) {
    return hasPersonal(row) ? 'personal data stand where none were sealed' : null;
  }
  return sameBytes(personalHash(bytes(seal.salt), row), personal)
    ? null
    : 'its address, user agent or e-mail address is not what was sealed';
}
