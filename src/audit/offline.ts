import type { TrailRow } from '../record/trail-contract.ts';
import { readCheckpoint } from '../token/checkpoint.ts';
import type { KeyOf } from './base.ts';
import { canonical, chainHash, hasPersonal, personalHash, sameBytes } from './chain.ts';
import { type ExportedLine, lineOf } from './export.ts';
import { parseLine, rowOfLine } from './export-line.ts';
import { createFileChains, firstPrevious } from './file-chains.ts';
import { type CoveredTrail, createFileCover } from './file-cover.ts';
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
  /** Which numbers of each trail it has, and who vouches for them. */
  readonly trails: readonly CoveredTrail[];
  readonly wrong: number;
  readonly problems: readonly Problem[];
}

const MOST_PROBLEMS = 1_000;

/**
 * Verifies exported JSON lines without the record: every row against its seal, rows against their neighbours as far as the
 * file has them, and the chain against checkpoints that were kept and places that a log tells of. A million rows take about
 * 200 MB (`FileChains`). Numbers between those of the file that it does not have, places in between that it does not have, and
 * rows that nobody vouches for although somebody was asked are wrong, but those that may still wait for a signature.
 *
 * @throws SyntaxError for a line that is no exported row, with its number.
 */
export async function verifyLines(
  lines: AsyncIterable<string>,
  options: {
    readonly checkpoints: readonly string[];
    readonly keyOf: KeyOf;
    readonly witness?: AsyncIterable<WitnessedPlace>;
    /** A filter left rows out: what is missing, and what nobody vouches for, is counted and not wrong. */
    readonly filtered?: boolean;
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
    const row = rowOfLine(line);
    const detail = lineProblem(row, seal, previous) ?? saidBeside(line, row);
    if (detail !== null) report({ kind: 'changed', tid, seq, id, detail });
    chains.add({ tid, seq, id, hash, atMs: row.atUs / 1000, previous: previous ?? '' });
  }
  const filtered = options.filtered ?? false;
  if (rows === 0 && !filtered) {
    report({ kind: 'removed', tid: '', seq: null, id: null, detail: 'the file has no row' });
  }
  const cover = createFileCover(chains, filtered, report);
  /** Whether the file agrees that the chain has this hash there. */
  function holds(tid: string, seq: number, hash: string, otherwise: string): boolean {
    const row = chains.at(tid, seq);
    if (row === null) cover.absent(tid, seq);
    else if (row.hash === hash) cover.agrees(tid, seq);
    else report({ kind: 'rewritten', tid, seq, id: row.id, detail: otherwise });
    return row?.hash === hash;
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
    const said = Buffer.from(hash).toString('base64url');
    if (holds(tid, seq, said, 'a signed checkpoint names another hash here')) agreeing += 1;
  }
  let witnessed = 0;
  for await (const { tid, seq, hash } of options.witness ?? []) {
    if (holds(tid, seq, hash, 'the log has another hash here')) witnessed += 1;
  }
  const asked = options.checkpoints.length > 0 || options.witness !== undefined;
  const trails = cover.end(asked);
  return {
    ...{ rows, unsealed, gaps: chains.gaps(), checkpoints: agreeing },
    ...{ witnessed: options.witness === undefined ? null : witnessed },
    ...{ trails, wrong, problems },
  };
}

/** What a line says that no seal covers: a reader would believe it like everything else. */
function saidBeside(line: ExportedLine, row: TrailRow): string | null {
  const { seal: _, ...said } = line;
  const { seal: __, ...covered } = lineOf({ row, seal: null });
  return canonical(said) === canonical(covered)
    ? null
    : 'it says something that its seal does not cover';
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
