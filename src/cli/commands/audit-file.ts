import type { CoveredTrail } from '../../audit/file-cover.ts';
import type { FileReport } from '../../audit/offline.ts';
import { counted } from '../output.ts';
import { lineOf, nameOf, shownProblem } from './audit-problem.ts';

/** What was found out about a file, as `--json` has it. */
export function shownFile({ trails, problems, ...counts }: FileReport) {
  return {
    ...counts,
    trails: trails.map(({ tid, vouchedTo, ...trail }) => ({
      ...{ tenant_id: tid, ...trail, vouched_to: vouchedTo },
    })),
    problems: problems.map(shownProblem),
  };
}

/** The same as text: a sentence for each trail says which numbers the file has, and what nobody vouches for. */
export function fileLines(file: string, report: FileReport): readonly string[] {
  const { rows, unsealed, gaps, checkpoints, witnessed, trails, wrong, problems } = report;
  return [
    `${file}: ${counted(rows, 'row')}, ${unsealed} of them not sealed when it was written`,
    `${counted(gaps, 'row')} whose neighbour in the chain is not in the file; checkpoints that agree: ${checkpoints}`,
    ...(witnessed === null ? [] : [`places that the log tells of and that agree: ${witnessed}`]),
    ...trails.flatMap(trailLines),
    ...problems.map((problem) => lineOf(problem, null)),
    wrong === 0 ? verdict(report) : `wrong rows or places: ${wrong}`,
  ];
}

function trailLines({ tid, from, to, ...trail }: CoveredTrail): readonly string[] {
  const { missing, absent, unvouched, vouchedTo, beyond } = trail;
  return [
    `tenant ${nameOf(tid, null)}: numbers ${from} to ${to}, ${missing} of them not in the file`,
    ...(absent === 0 ? [] : [`  ${absent} of those that are not there were vouched for`]),
    ...(unvouched === null
      ? []
      : [`  vouched for up to ${vouchedTo ?? '-'}; nothing covers ${counted(unvouched, 'row')}`]),
    ...(beyond === null ? [] : [`  the file ends at ${to}; what was signed goes on to ${beyond}`]),
  ];
}

/** No more than what was shown. */
function verdict({ rows, unsealed, trails }: FileReport): string {
  if (rows === 0) return 'the file has no row: nothing is shown by it';
  const isAsked = trails.some(({ unvouched }) => unvouched !== null);
  if (!isAsked) {
    return 'every row is what its seal says; without --checkpoints or --witness nothing vouches for the seals';
  }
  const uncovered = trails.reduce((sum, { unvouched }) => sum + (unvouched ?? 0), unsealed);
  const missing = trails.reduce((sum, trail) => sum + trail.missing, 0);
  if (uncovered === 0 && missing === 0) return 'nothing was changed';
  return `of the rows that something vouches for none was changed; not among them: ${counted(uncovered, 'row')}; not in the file: ${missing}`;
}
