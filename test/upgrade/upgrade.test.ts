import { rmSync } from 'node:fs';
import { openPgliteRecord } from '../../src/record/pglite/open.ts';
import { openOldDirectory } from '../support/old-release.ts';
import { freshDirectory } from '../support/process.ts';
import { keptReleases } from '../support/releases.ts';
import { upgradeSuite } from './upgrading.ts';

for (const release of keptReleases()) {
  upgradeSuite('PGlite', release, async () => {
    const dataDir = freshDirectory();
    return {
      openOld: (old) => openOldDirectory(old, dataDir),
      openNew: () => openPgliteRecord({ dataDir }),
      drop: async () => rmSync(dataDir, { recursive: true, force: true }),
    };
  });
}
