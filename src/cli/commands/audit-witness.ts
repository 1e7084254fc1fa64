import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Problem } from '../../audit/verify.ts';
import { type WitnessedPlace, witnessedIn } from '../../audit/witness.ts';
import { MOST_WITNESSED } from '../../session/operator/audit-contract.ts';
import { UsageError } from '../command.ts';
import type { OperatorCommands } from '../operator.ts';
import { progressBar } from '../progress.ts';

/** Problems that are named; the others are counted. */
const MOST_PROBLEMS = 1_000;

/** What a log that was kept elsewhere says of the trails. */
export interface WitnessReport {
  readonly places: number;
  readonly agreeing: number;
  /** Of what was pruned since: nothing can be said of them. */
  readonly pruned: number;
  readonly contradicted: number;
  /** The first thousand of these. */
  readonly problems: readonly Problem[];
}

/**
 * The places that a log tells of, line by line, whatever the size of the file.
 *
 * @throws UsageError for a file that cannot be read, or that tells of none: it would be no witness of anything.
 */
export async function* placesIn(file: string): AsyncGenerator<WitnessedPlace> {
  let found = 0;
  try {
    const input = createReadStream(file, 'utf8');
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const place = witnessedIn(line);
      if (place === null) continue;
      found += 1;
      yield place;
    }
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
  if (found === 0) throw new UsageError(`${file} has no line of a signed checkpoint`);
}

/** Holds the trails against such a log. @param tids only these; null: every one */
export async function askWitness(
  operator: Pick<OperatorCommands, 'witnessAudit'>,
  file: string,
  tids: ReadonlySet<string> | null,
): Promise<WitnessReport> {
  const show = progressBar('comparing with the log');
  const problems: Problem[] = [];
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
    if (tids?.has(place.tid) === false) continue;
    waiting.push(place);
    if (waiting.length === MOST_WITNESSED) await send();
  }
  if (waiting.length > 0) await send();
  // It would be no witness of anything that was asked for.
  if (places === 0) throw new UsageError(`${file} tells of other trails only`);
  return { places, agreeing, pruned, contradicted, problems };
}

export function witnessLines(report: WitnessReport | null): readonly string[] {
  if (report === null) return [];
  const { places, agreeing, pruned, contradicted } = report;
  return [
    `the log tells of ${places} places: ${agreeing} agree, ${pruned} were pruned since, ${contradicted} are contradicted`,
  ];
}
