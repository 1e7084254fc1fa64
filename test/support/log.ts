import type { LogStore } from '../../src/record/contract.ts';
import { Draft } from '../../src/revocation/draft.ts';
import { readPages } from '../../src/revocation/snapshots.ts';
import type { Entry, Lineage } from '../../src/revocation/types.ts';

/** Every entry that the record keeps for nodes, in order. */
export async function wholeLog(log: LogStore): Promise<readonly Entry[]> {
  const whole: Entry[] = [];
  const end = await readPages(log, await log.snapshot(), ({ entries }) => {
    whole.push(...entries);
    return true;
  });
  if (end !== null) throw new Error('the log was not read to its end');
  return whole;
}

/** A snapshot of `entries`, which come at `nowMs` and begin after `horizon`. */
export function draftOf(
  entries: readonly Entry[],
  lineage: Lineage,
  { horizon = 0, nowMs = 0 } = {},
): Draft {
  const head = { generation: lineage[0]?.id ?? '', position: horizon + entries.length };
  const draft = new Draft({ head, horizon, lineage });
  draft.add(entries, nowMs);
  draft.check();
  return draft;
}
