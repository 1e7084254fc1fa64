/**
 * Checks that migrations only add what nodes of the releases before can live with, and that none was changed after its
 * release. docs/upgrading.md says how one is written.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareVersions, RUNS_BESIDE, versionOfThis } from '../dist/record/release.js';
import { judgeMigration } from './migrations/judge.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'src/record/migrations');
const releases = join(root, 'test/fixtures/releases');

const migrations = readdirSync(folder)
  .sort()
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
// The first one has nothing before it.
const wrong = migrations
  .slice(1)
  .flatMap((migration) => judgeMigration(migration, RUNS_BESIDE, compareVersions));

for (const version of readdirSync(releases)) {
  const kept = JSON.parse(readFileSync(join(releases, version, 'release.json'), 'utf8'));
  for (const [name, checksum] of Object.entries(kept.migrations)) {
    const text = migrations.find((one) => one.name === name)?.text ?? '';
    if (createHash('sha256').update(text).digest('hex') !== checksum) {
      wrong.push(`${name} was released with ${version}: it can never change, write another one`);
    }
  }
}
if (compareVersions(RUNS_BESIDE, versionOfThis()) > 0) {
  wrong.push(`RUNS_BESIDE (src/record/release.ts) is newer than this release, ${versionOfThis()}`);
}

for (const one of wrong) console.error(one);
if (wrong.length > 0) process.exitCode = 1;
else console.log(`migrations: ${migrations.length}, none takes anything away from ${RUNS_BESIDE}`);
