import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type FileReport, verifyLines } from '../../audit/offline.ts';
import type { KeptCheckpoints } from '../../session/operator/audit-contract.ts';
import { type PublicJwk, verifierOfJwk } from '../../token/signing-key.ts';
import { type Command, given, optional, UsageError, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { type OperatorCommands, reachOptions, withOperator } from '../operator.ts';
import { print, table } from '../output.ts';
import { progressBar } from '../progress.ts';
import { ofTrail } from './audit.ts';
import { fileLines, shownFile } from './audit-file.ts';
import { lineOf, nameOf, shownProblem } from './audit-problem.ts';
import { askWitness, placesIn, type WitnessReport, witnessLines } from './audit-witness.ts';

type Verified = Awaited<ReturnType<OperatorCommands['verifyAudit']>>;

export const auditVerify: Command = {
  name: 'audit verify',
  operands: [],
  summary: 'Looks for rows of the audit trail that were changed, removed or inserted.',
  description: [
    'Every sealed row is held against its chain, the chain against what was signed. Exit code 1 when something is wrong: rows that no key of ours has signed within five minutes, and kept checkpoints that cannot be verified, are among it; rows that are not sealed yet are no fault. Without --tenant every trail is verified.',
    'With --checkpoints FILE it is also held against what sekisho audit checkpoint wrote earlier and somebody kept elsewhere; with --witness FILE against the log of a server (JSON lines), which tells of every checkpoint that was signed. These show a trail that somebody who can write to the database has put back, or rewritten as a whole, also where no node that remembers it was running.',
    'With --file FILE an exported file of JSON lines is verified without any database. Rows missing between those that it has are faults, and so are rows that no place of --checkpoints or --witness covers, but those of the last five minutes; with --filtered (an export with --from, --to, --action or --actor) both are counted only.',
  ],
  options: [
    ...ofTrail.map((option) => ({ ...option, help: 'only this one: slug or id' })),
    { name: 'operators', help: "only the operators' own trail" },
    { name: 'checkpoints', value: 'FILE', help: 'what sekisho audit checkpoint has written' },
    { name: 'witness', value: 'FILE', help: 'the log of a server, kept elsewhere' },
    { name: 'file', value: 'FILE', help: 'verify this export instead' },
    { name: 'filtered', help: 'with --file: rows that are not in it were left out on purpose' },
    ...reachOptions,
  ],
  examples: [
    'sekisho audit verify',
    'sekisho audit verify --tenant main --checkpoints kept.json --json',
    'sekisho audit verify --witness /var/log/kept-elsewhere/sekisho.log',
    'sekisho audit verify --file trail.jsonl --checkpoints kept.json',
  ],
  async run(call) {
    const keptFile = optional(call, 'checkpoints');
    const kept = keptFile === null ? null : readKept(keptFile);
    const witness = optional(call, 'witness');
    const file = optional(call, 'file');
    if (file !== null) {
      const filtered = given(call, 'filtered');
      const report = await verifyFile(file, kept, witness, filtered);
      const told = { file, ...shownFile(report) };
      print(wantsJson(call), told, fileLines(file, report));
      return report.wrong > 0 ? EXIT.failed : EXIT.done;
    }
    if (given(call, 'filtered'))
      throw new UsageError('--filtered is of an export: give --file, too');
    const tenant = optional(call, 'tenant');
    const operators = given(call, 'operators');
    if (operators && tenant !== null) {
      throw new UsageError('--operators and --tenant exclude each other');
    }
    const [verified, seen] = await withOperator(call, async (operator) => {
      const all = tenant === null && !operators;
      const found = await operator.verifyAudit(
        { tenant, all, kept },
        progressBar('verifying rows'),
      );
      const seen = witness === null ? null : await askWitness(operator, witness, found.trails, all);
      return [found, seen] as const;
    });
    const isGood = isWhole(verified) && (seen?.contradicted ?? 0) === 0;
    print(
      wantsJson(call),
      { ok: isGood, ...shown(verified), ...(seen && { witness: shownWitness(seen) }) },
      linesOf(verified, seen, isGood),
    );
    return isGood ? EXIT.done : EXIT.failed;
  },
};

function isWhole({ trails, missing, problems }: Verified): boolean {
  return missing.length + problems.length === 0 && trails.every(({ wrong }) => wrong === 0);
}

function shown({ trails, missing, problems }: Verified) {
  return {
    trails: trails.map(({ tid, slug, signedTo, signedAtMs: _, problems: found, ...counts }) => ({
      ...{ tenant_id: tid, slug, ...counts, signed_to: signedTo },
      problems: found.map(shownProblem),
    })),
    ...{ missing, problems: problems.map(shownProblem) },
  };
}

function shownWitness(report: WitnessReport) {
  const newest = report.newest.map(({ tid, slug, seq, signedTo, behind }) => ({
    ...{ tenant_id: tid, slug, sequence: seq, signed_to: signedTo, behind },
  }));
  return { ...report, newest, problems: report.problems.map(shownProblem) };
}

function linesOf(
  { trails, missing, problems: ofKept }: Verified,
  witness: WitnessReport | null,
  isGood: boolean,
): readonly string[] {
  const slugs = new Map(trails.map(({ tid, slug }) => [tid, slug]));
  const rows = trails.map((trail) => [
    nameOf(trail.tid, trail.slug),
    `${trail.rows}`,
    trail.to === 0 ? '-' : `${trail.from} to ${trail.to}`,
    `${trail.signedTo}`,
    `${trail.erased}`,
    trail.unsealed >= 10_000 ? '10000 or more' : `${trail.unsealed}`,
    trail.wrong === 0 ? 'none' : `${trail.wrong}`,
  ]);
  const headings = ['TRAIL', 'SEALED', 'NUMBERS', 'SIGNED TO', 'ERASED', 'NOT SEALED', 'WRONG'];
  return [
    ...table(headings, rows, 'there is no audit trail yet'),
    ...missing.map((tid) => `the trail of ${tid} is gone: a kept checkpoint speaks of it`),
    ...trails.flatMap(({ problems, slug }) => problems.map((problem) => lineOf(problem, slug))),
    ...ofKept.map((problem) => lineOf(problem, slugs.get(problem.tid) ?? null)),
    ...witnessLines(witness),
    ...(witness?.problems ?? []).map((problem) => lineOf(problem, slugs.get(problem.tid) ?? null)),
    ...(isGood ? ['nothing was changed, removed or inserted'] : []),
  ];
}

async function verifyFile(
  file: string,
  kept: KeptCheckpoints | null,
  witness: string | null,
  filtered: boolean,
): Promise<FileReport> {
  const show = progressBar('verifying rows');
  const keys = new Map(kept?.keys.map((jwk) => [jwk.kid, verifierOfJwk(jwk)]));
  const stream = createReadStream(file, 'utf8');
  let done = 0;
  try {
    return await verifyLines(
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }),
      {
        checkpoints: kept?.checkpoints.map(({ token }) => token) ?? [],
        ...{ keyOf: (kid) => keys.get(kid) ?? null, filtered },
        ...(witness === null ? {} : { witness: placesIn(witness) }),
        onRows(rows) {
          done += rows;
          show({ done, total: null });
        },
      },
    );
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} cannot be verified: ${(error as Error).message}`);
  }
}

const KEPT = z.looseObject({
  checkpoints: z.array(
    z.looseObject({ tenant_id: z.string(), sequence: z.int(), token: z.string() }),
  ),
  keys: z.array(z.looseObject({ kid: z.string(), alg: z.string() })),
});

/** @throws UsageError for a file that sekisho audit checkpoint has not written. */
function readKept(file: string): KeptCheckpoints {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    for (const key of KEPT.parse(kept).keys) verifierOfJwk(key as PublicJwk);
    return kept as KeptCheckpoints;
  } catch (error) {
    const why =
      error instanceof z.ZodError ? (error.issues[0]?.message ?? '') : (error as Error).message;
    throw new UsageError(`${file} is not what sekisho audit checkpoint --json writes: ${why}`);
  }
}
