import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type FileReport, verifyLines } from '../../audit/offline.ts';
import type { Problem } from '../../audit/verify.ts';
import type { KeptCheckpoints } from '../../session/operator/audit-contract.ts';
import { type Verifier, verifierOfJwk } from '../../token/signing-key.ts';
import { type Command, given, optional, UsageError, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { type OperatorCommands, reachOptions, withOperator } from '../operator.ts';
import { print, table } from '../output.ts';
import { progressBar } from '../progress.ts';
import { ofTrail } from './audit.ts';
import { askWitness, placesIn, type WitnessReport, witnessLines } from './audit-witness.ts';

type Verified = Awaited<ReturnType<OperatorCommands['verifyAudit']>>;

export const auditVerify: Command = {
  name: 'audit verify',
  operands: [],
  summary: 'Looks for rows of the audit trail that were changed, removed or inserted.',
  description: [
    'Every sealed row is held against its chain, the chain against what was signed. Exit code 1 when something is wrong; rows that are not sealed yet are no fault. Without --tenant every trail is verified.',
    'With --checkpoints FILE it is also held against what sekisho audit checkpoint wrote earlier and somebody kept elsewhere; with --witness FILE against the log of a server (JSON lines), which tells of every checkpoint that was signed. These show a trail that somebody who can write to the database has put back, or rewritten as a whole, also where no node that remembers it was running.',
    'With --file FILE an exported file of JSON lines is verified without any database.',
  ],
  options: [
    ...ofTrail.map((option) => ({ ...option, help: 'only this one: slug or id' })),
    { name: 'operators', help: "only the operators' own trail" },
    { name: 'checkpoints', value: 'FILE', help: 'what sekisho audit checkpoint has written' },
    { name: 'witness', value: 'FILE', help: 'the log of a server, kept elsewhere' },
    { name: 'file', value: 'FILE', help: 'verify this export instead' },
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
      const report = await verifyFile(file, kept, witness);
      print(wantsJson(call), { file, ...report }, fileLines(file, report));
      return report.wrong > 0 ? EXIT.failed : EXIT.done;
    }
    const tenant = optional(call, 'tenant');
    const operators = given(call, 'operators');
    if (operators && tenant !== null) {
      throw new UsageError('--operators and --tenant exclude each other');
    }
    const checkpoints = kept?.checkpoints.map(({ token }) => token) ?? [];
    const [verified, seen] = await withOperator(call, async (operator) => {
      const all = tenant === null && !operators;
      const found = await operator.verifyAudit(
        { tenant, all, checkpoints },
        progressBar('verifying rows'),
      );
      const tids = all ? null : new Set(found.trails.map(({ tid }) => tid));
      return [found, witness === null ? null : await askWitness(operator, witness, tids)] as const;
    });
    const isGood = isWhole(verified) && (seen?.contradicted ?? 0) === 0;
    print(
      wantsJson(call),
      { ok: isGood, ...verified, ...(seen && { witness: seen }) },
      linesOf(verified, seen, isGood),
    );
    return isGood ? EXIT.done : EXIT.failed;
  },
};

function isWhole({ trails, missing }: Verified): boolean {
  return missing.length === 0 && trails.every(({ wrong }) => wrong === 0);
}

function linesOf(
  { trails, missing }: Verified,
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
    ...witnessLines(witness),
    ...(witness?.problems ?? []).map((problem) => lineOf(problem, slugs.get(problem.tid) ?? null)),
    ...(isGood ? ['nothing was changed, removed or inserted'] : []),
  ];
}

function nameOf(tid: string, slug: string | null): string {
  return tid === '' ? '(operators)' : (slug ?? tid);
}

function lineOf({ kind, tid, seq, id, detail }: Problem, slug: string | null): string {
  return `${kind}: tenant ${nameOf(tid, slug)}, number ${seq ?? '-'}, row ${id ?? '-'}: ${detail}`;
}

function fileLines(file: string, report: FileReport): readonly string[] {
  const { rows, unsealed, gaps, checkpoints, witnessed, wrong, problems } = report;
  return [
    `${file}: ${rows} rows, ${unsealed} of them not sealed when it was written`,
    `${gaps} rows whose neighbour in the chain is not in the file, ${checkpoints} checkpoints agree`,
    ...(witnessed === null ? [] : [`${witnessed} places that the log tells of agree`]),
    ...problems.map((problem) => lineOf(problem, null)),
    ...(wrong === 0 ? ['nothing was changed'] : [`${wrong} rows are wrong`]),
  ];
}

async function verifyFile(
  file: string,
  kept: KeptCheckpoints | null,
  witness: string | null,
): Promise<FileReport> {
  const show = progressBar('verifying rows');
  const keys = new Map<string, Verifier>();
  for (const jwk of kept?.keys ?? []) {
    const verifier = verifierOfJwk(jwk);
    keys.set(verifier.kid, verifier);
  }
  const stream = createReadStream(file, 'utf8');
  let done = 0;
  try {
    return await verifyLines(
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }),
      {
        checkpoints: kept?.checkpoints.map(({ token }) => token) ?? [],
        keyOf: (kid) => keys.get(kid) ?? null,
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

function readKept(file: string): KeptCheckpoints {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as KeptCheckpoints;
    if (!Array.isArray(kept.checkpoints) || !Array.isArray(kept.keys))
      throw new Error('wrong form');
    return kept;
  } catch (error) {
    throw new UsageError(
      `${file} is not what sekisho audit checkpoint --json writes: ${(error as Error).message}`,
    );
  }
}
