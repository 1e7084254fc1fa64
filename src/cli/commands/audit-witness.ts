import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { SIGN_AFTER_ROWS } from '../../audit/moves.ts';
import type { Problem } from '../../audit/verify.ts';
import { type WitnessedPlace, witnessedIn, writtenAt } from '../../audit/witness.ts';
import { MOST_WITNESSED } from '../../session/operator/audit-contract.ts';
import { UsageError } from '../command.ts';
import type { OperatorCommands } from '../operator.ts';
import { progressBar } from '../progress.ts';
import { nameOf } from './audit-problem.ts';

/** Problems that are named; the others are counted. */
const MOST_PROBLEMS = 1_000;

/** A trail signed so much later than the log's last line of it: lines are missing, or were not written. */
const BEYOND_MS = 300_000;

export interface NewestPlace {
  readonly tid: string;
  readonly slug: string | null;
  readonly seq: number;
  /** Up to where the chain is signed. */
  readonly signedTo: number;
  /** The chain was signed well beyond it: of what came since the log is no witness. */
  readonly behind: boolean;
}

type Verified = Awaited<ReturnType<OperatorCommands['verifyAudit']>>;

/** What a log that was kept elsewhere says of the trails. */
export interface WitnessReport {
  readonly places: number;
  readonly agreeing: number;
  /** Of what was pruned since: nothing can be said of them. */
  readonly pruned: number;
  readonly contradicted: number;
  /** Of each trail that the log tells of, the newest place. */
  readonly newest: readonly NewestPlace[];
  /** The first thousand of these. */
  readonly problems: readonly Problem[];
}

/**
 * The places that a log tells of, line by line, whatever the size of the file.
 *
 * @throws UsageError for a file that cannot be read, or that tells of none: it would be no witness of anything.
 */
export async function* placesIn(
  file: string,
): AsyncGenerator<WitnessedPlace & { readonly atMs: number | null }> {
  let found = 0;
  try {
    const input = createReadStream(file, 'utf8');
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const place = witnessedIn(line);
      if (place === null) continue;
      found += 1;
      yield { ...place, atMs: writtenAt(line) };
    }
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
  if (found === 0) throw new UsageError(`${file} has no line of a signed checkpoint`);
}

/**
 * Holds the trails against such a log.
 *
 * @param trails what was verified
 * @param all every trail: otherwise only places of these are looked at
 */
export async function askWitness(
  operator: Pick<OperatorCommands, 'witnessAudit'>,
  file: string,
  trails: Verified['trails'],
  all: boolean,
): Promise<WitnessReport> {
  const show = progressBar('comparing with the log');
  const problems: Problem[] = [];
  const tids = new Set(trails.map(({ tid }) => tid));
  const last = new Map<string, { readonly seq: number; readonly atMs: number | null }>();
  let [places, agreeing, pruned, contradicted] = [0, 0, 0, 0];
  let waiting: WitnessedPlace[] = [];
  const send = async (): Promise<void> => {
    const said = await operator.witnessAudit({ places: waiting });
    places += waiting.length;
    waiting = [];
    agreeing += said.agreeing;
    pruned += said.pruned;
    contradicted += said.problems.length;
    problems.push(...said.problems.slice(0, MOST_PROBLEMS - problems.length));
    show({ done: places, total: null });
  };
  for await (const place of placesIn(file)) {
    const { atMs, ...said } = place;
    if (!all && !tids.has(said.tid)) continue;
    if (said.seq > (last.get(said.tid)?.seq ?? 0)) last.set(said.tid, { seq: said.seq, atMs });
    waiting.push(said);
    if (waiting.length === MOST_WITNESSED) await send();
  }
  if (waiting.length > 0) await send();
  // It would be no witness of anything that was asked for.
  if (places === 0) throw new UsageError(`${file} tells of other trails only`);
  const newest = trails.flatMap(({ tid, slug, signedTo, signedAtMs }) => {
    const place = last.get(tid);
    if (place === undefined) return [];
    const { seq, atMs } = place;
    const isLater = signedAtMs !== null && atMs !== null && signedAtMs - atMs > BEYOND_MS;
    const behind = signedTo > seq && (isLater || signedTo - seq >= SIGN_AFTER_ROWS);
    return [{ tid, slug, seq, signedTo, behind }];
  });
  return { ...{ places, agreeing, pruned, contradicted, newest }, problems };
}

export function witnessLines(report: WitnessReport | null): readonly string[] {
  if (report === null) return [];
  const { places, agreeing, pruned, contradicted, newest } = report;
  return [
    `the log tells of ${places} places: ${agreeing} agree, ${pruned} were pruned since, ${contradicted} are contradicted`,
    ...newest.map(({ tid, slug, seq, signedTo, behind }) => {
      const so = `${nameOf(tid, slug)}: the log tells of it up to number ${seq}, signed up to ${signedTo}`;
      return behind
        ? `${so}\nwarning: it was signed well beyond that: lines are missing, or were not written, and of those rows the log is no witness`
        : so;
    }),
  ];
}
