import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { versionOfThis } from '../../src/record/release.ts';
import { openOldDirectory } from '../support/old-release.ts';
import { cleanUp, freshDirectory, sekisho } from '../support/process.ts';
import { keptReleases } from '../support/releases.ts';

vi.setConfig({ testTimeout: 120_000 });
afterEach(cleanUp);

test('B4 sekisho migrate says what it would do, does it, and says what it did', async () => {
  const [release] = keptReleases();
  if (release === undefined) throw new Error('a release is kept');
  const dataDir = join(freshDirectory(), 'data');
  const to = versionOfThis();
  const migrate = async (...args: string[]) => {
    const ran = await sekisho(['migrate', '--data-dir', dataDir, '--json', ...args]);
    return { code: ran.code, stderr: ran.stderr, report: ran.stdout && JSON.parse(ran.stdout) };
  };

  const empty = await migrate('--check');
  expect(empty).toMatchObject({ code: 1, report: { kind: 'new', from: null, to } });
  expect(existsSync(dataDir)).toBe(false);

  await (await openOldDirectory(release, dataDir)).close();
  const planned = await migrate('--dry-run');
  const upgrade = { kind: 'upgrade', from: release.version, to };
  expect(planned).toMatchObject({ code: 0, report: { migrated: false, ...upgrade } });
  expect(planned.report.migrations).toContain('0002_tenants');
  expect(planned.report.migrations).not.toContain('0001_schema');
  expect(await migrate('--check')).toMatchObject({ code: 1, report: upgrade });

  const done = await migrate();
  expect(done).toMatchObject({ code: 0, report: { ...planned.report, migrated: true } });
  const current = { migrated: false, kind: 'current', migrations: [], functions: [] };
  expect(await migrate()).toMatchObject({ code: 0, report: current });
  expect(await migrate('--check')).toMatchObject({ code: 0, report: current });
  const both = await migrate('--check', '--dry-run');
  expect(both).toMatchObject({ code: 2, report: '' });

  const told = await sekisho(['migrate', '--data-dir', dataDir, '--dry-run']);
  expect(told.stdout).toBe(`the record is up to date with ${to}: nothing to do\n`);
});
