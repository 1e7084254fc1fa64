import { describe } from 'vitest';
import type { TestRecord } from '../support/record.ts';
import type { KeptRelease } from '../support/releases.ts';

type Suite = (kind: string, open: () => Promise<TestRecord>) => void;

/** The suites that every release keeps of its record: file, and the function in it. */
const SUITES = {
  attempts: 'attemptSuite',
  changes: 'changeSuite',
  commit: 'commitSuite',
  'device-cap': 'deviceCapSuite',
  'lost-answers': 'lostAnswerSuite',
  people: 'peopleSuite',
  protocol: 'protocolSuite',
  refresh: 'refreshSuite',
  sessions: 'sessionSuite',
  sweep: 'sweepSuite',
  upkeep: 'upkeepSuite',
  watching: 'watchingSuite',
} as const;

export type SuiteName = keyof typeof SUITES;

/**
 * Plays what an older release promised of its record, by its own suites and its own statements, on the schema and the
 * functions of this one: a node of it that runs beside this release must find all of it still true.
 */
export async function oldSuites(
  kind: string,
  release: KeptRelease,
  names: readonly SuiteName[],
  open: () => Promise<TestRecord>,
): Promise<void> {
  const suites = await Promise.all(
    names.map(async (name) => {
      const module = await release.load<Record<string, Suite>>(
        `test/conformance/record/${name}.js`,
      );
      const suite = module[SUITES[name]];
      if (suite === undefined) throw new Error(`${release.version} has no ${SUITES[name]}`);
      return suite;
    }),
  );
  describe(`B4 the record of ${release.version} on this schema`, () => {
    for (const suite of suites) suite(kind, open);
  });
}
