import type { TrailRow } from '../record/trail-contract.ts';
import { readCheckpoint } from '../token/checkpoint.ts';
import type { Verifier } from '../token/signing-key.ts';
import { chainHash, genesisOf, hasPersonal, personalHash, sameBytes } from './chain.ts';
import type { ExportedLine } from './export.ts';
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
 * file has them, and the chain against checkpoints that were kept and places that a log tells of.
 *
 * @throws SyntaxError for a line that is no exported row.
 */
export async function verifyLines(
  lines: AsyncIterable<string>,
  options: {
    readonly checkpoints: readonly string[];
    readonly keyOf: (kid: string) => Verifier | null;
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
  /** By tenant and number: the row's id and hash, and the hash that it follows. */
  const chains = new Map<
    string,
    Map<number, { id: string; hash: Buffer; previous: Buffer | null }>
  >();
  let rows = 0;
  let unsealed = 0;
  for await (const text of lines) {
    if (text.trim() === '') continue;
    const line = parseLine(text);
    rows += 1;
    options.onRows?.(1);
    const { seal, tenant_id: tid, id } = line;
    if (seal === null) {
      unsealed += 1;
      continue;
    }
    const hash = Buffer.from(seal.hash, 'base64url');
    const previous = seal.previous === null ? null : Buffer.from(seal.previous, 'base64url');
    const seq = seal.sequence;
    const detail = lineProblem(line, hash, seq === 1 ? genesisOf(tid) : previous);
    if (detail !== null) report({ kind: 'changed', tid, seq, id, detail });
    const chain = chains.get(tid) ?? new Map();
    chains.set(tid, chain);
    if (chain.has(seq)) {
      report({ kind: 'inserted', tid, seq, id, detail: 'two rows of the file have this number' });
    }
    chain.set(seq, { id, hash, previous });
  }
  let gaps = 0;
  for (const [tid, chain] of chains) {
    for (const [seq, { id, previous }] of chain) {
      if (seq === 1) continue;
      const before = chain.get(seq - 1);
      if (before === undefined) gaps += 1;
      else if (!sameBytes(before.hash, previous)) {
        const detail = 'it does not follow from the row before it';
        report({ kind: 'changed', tid, seq, id, detail });
      }
    }
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
    const row = chains.get(tid)?.get(seq);
    if (row === undefined) continue;
    if (sameBytes(row.hash, hash)) agreeing += 1;
    else {
      const detail = 'a signed checkpoint names another hash here';
      report({ kind: 'rewritten', tid, seq, id: row.id, detail });
    }
  }
  let witnessed = 0;
  for await (const { tid, seq, hash } of options.witness ?? []) {
    const row = chains.get(tid)?.get(seq);
    if (row === undefined) continue;
    if (row.hash.toString('base64url') === hash) witnessed += 1;
    else {
      const detail = 'the log has another hash here';
      report({ kind: 'rewritten', tid, seq, id: row.id, detail });
    }
  }
  return {
    ...{ rows, unsealed, gaps, checkpoints: agreeing },
    ...{ witnessed: options.witness === undefined ? null : witnessed, wrong, problems },
  };
}

function lineProblem(
  line: ExportedLine,
  hash: Uint8Array,
  previous: Uint8Array | null,
): string | null {
  const { seal } = line;
  if (seal === null) return null;
  const row = rowOfLine(line);
  const personal = seal.personal === null ? null : Buffer.from(seal.personal, 'base64url');
  // Whoever changes a row leaves this out: its hash could not be told from a good one.
  if (previous === null) return 'it does not say what it follows, so that nothing vouches for it';
  if (!sameBytes(chainHash(previous, row, personal), hash)) {
    return 'its hash does not follow from what it says';
  }
  if (personal === null || seal.salt === null) {
    return hasPersonal(row) ? 'personal data stand where none were sealed' : null;
  }
  const salt = Buffer.from(seal.salt, 'base64url');
  return sameBytes(personalHash(salt, row), personal)
    ? null
    : 'its address, user agent or e-mail address is not what was sealed';
}

function parseLine(text: string): ExportedLine {
  const line = JSON.parse(text) as ExportedLine;
  const isRow =
    typeof line === 'object' &&
    line !== null &&
    typeof line.id === 'string' &&
    typeof line.tenant_id === 'string' &&
    typeof line.at === 'string' &&
    (line.seal === null || typeof line.seal?.hash === 'string');
  if (!isRow) throw new SyntaxError('a line is no row of an exported audit trail');
  return line;
}

function rowOfLine(line: ExportedLine): TrailRow {
  const [, micros = ''] = /\.\d{3}(\d{3})Z$/.exec(line.at) ?? [];
  return {
    tid: line.tenant_id,
    id: line.id,
    atUs: Date.parse(line.at) * 1000 + Number(micros),
    action: line.action,
    outcome: line.outcome,
    actorKind: line.actor.kind,
    actorUid: line.actor.client_id ?? line.actor.user_id,
    actorSid: line.actor.session_id,
    subjectKind: line.subject?.kind ?? null,
    subjectId: line.subject?.id ?? null,
    ip: line.ip,
    userAgent: line.user_agent,
    requestId: line.request_id,
    detail: line.detail,
  };
}
