import { inject } from 'vitest';
import { openPostgresRecord } from '../../src/record/postgres/open.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { openOldOnPostgres, openOldPostgres } from '../support/old-release.ts';
import { keptReleases } from '../support/releases.ts';
import { oldSuites, type SuiteName } from './suites.ts';

const NAMES: readonly SuiteName[] = [
  'attempts',
  'changes',
  'commit',
  'device-cap',
  'lost-answers',
  'people',
  'protocol',
  'refresh',
  'sessions',
  'sweep',
  'upkeep',
  'watching',
];

for (const release of keptReleases()) {
  await oldSuites('PostgreSQL', release, NAMES, async () => {
    const { url, drop } = await createTestDatabase(inject('postgresUrl'));
    await (await openOldPostgres(release, url)).close();
    await (await openPostgresRecord({ url })).close();
    const old = await openOldOnPostgres(release, url);
    return {
      ...old,
      async close() {
        await old.close();
        await drop();
      },
    };
  });
}
