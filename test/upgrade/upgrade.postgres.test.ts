import { inject } from 'vitest';
import { openPostgresRecord } from '../../src/record/postgres/open.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { openOldPostgres } from '../support/old-release.ts';
import { keptReleases } from '../support/releases.ts';
import { upgradeSuite } from './upgrading.ts';

for (const release of keptReleases()) {
  upgradeSuite('PostgreSQL', release, async () => {
    const { url, drop } = await createTestDatabase(inject('postgresUrl'));
    return {
      openOld: (old) => openOldPostgres(old, url),
      openNew: () => openPostgresRecord({ url }),
      drop,
    };
  });
}
