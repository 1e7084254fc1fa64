/**
 * Checks that everything is in place for a release, before it is published:
 *   node tools/check-release.mjs v1.2.3               its version, a dated entry in CHANGELOG.md, the kept release
 *   node tools/check-release.mjs v1.2.3 --notes       prints the entry
 *   node tools/check-release.mjs v1.2.3 --dist-tag    prints what it is published as: latest, or next for a pre-release
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.env.RELEASE_ROOT ?? fileURLToPath(new URL('..', import.meta.url));
const [tag = '', wanted] = process.argv.slice(2);

/** @param {string} version @returns {{ date: string, notes: string } | null} */
function entryOf(version) {
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const [, ...entries] = text.split(/^## /m);
  const entry = entries.find((one) => one.startsWith(`${version} (`));
  if (entry === undefined) return null;
  const [heading = '', ...lines] = entry.split('\n');
  const [, date = ''] = /\((.*)\)$/.exec(heading) ?? [];
  return { date, notes: lines.join('\n').trim() };
}

/** @param {string} version @param {string} present @returns {string | null} what is wrong */
function problemWith(version, present) {
  if (tag !== `v${version}`) return `the tag is v1.2.3 of a version 1.2.3, not ${tag || 'empty'}`;
  if (version !== present) return `the tag is ${tag}, package.json says ${present}`;
  const entry = entryOf(version);
  if (entry === null) return `CHANGELOG.md has no entry "## ${version} (…)"`;
  if (!/^\d{4}-\d\d-\d\d$/.test(entry.date)) return `CHANGELOG.md gives ${version} no date`;
  if (!existsSync(join(root, 'test/fixtures/releases', version, 'release.json'))) {
    return `${version} is not kept for the tests of later releases: node tools/release-fixture.mjs`;
  }
  return null;
}

const { version: present } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [, version = ''] = /^v(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(tag) ?? [];
const problem = problemWith(version, present);
if (problem !== null) {
  console.error(problem);
  process.exitCode = 1;
} else if (wanted === '--notes') {
  console.log(entryOf(version)?.notes);
} else if (wanted === '--dist-tag') {
  console.log(version.includes('-') ? 'next' : 'latest');
} else {
  console.log(`${tag}: everything is in place`);
}
