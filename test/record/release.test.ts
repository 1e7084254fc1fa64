import { describe, expect, test } from 'vitest';
import { planMigration, type Release } from '../../src/record/migration-plan.ts';
import { thisRelease } from '../../src/record/migrator.ts';
import { compareVersions, RUNS_BESIDE, versionOfThis } from '../../src/record/release.ts';
import type { SchemaState } from '../../src/record/shapes.ts';

describe('versions', () => {
  test('are ordered as Semantic Versioning says', () => {
    const ordered = [
      '0.0.0',
      '0.1.0-alpha',
      '0.1.0-alpha.1',
      '0.1.0-alpha.beta',
      '0.1.0-beta.2',
      '0.1.0-beta.11',
      '0.1.0',
      '0.1.10',
      '0.2.0',
      '0.10.0',
      '1.0.0-rc.1',
      '1.0.0',
    ];
    for (const [index, a] of ordered.entries()) {
      for (const [other, b] of ordered.entries()) {
        expect(Math.sign(compareVersions(a, b)), `${a} ${b}`).toBe(Math.sign(index - other));
      }
    }
    expect(compareVersions('1.0.0+a', '1.0.0+b')).toBe(0);
    expect(() => compareVersions('one', '1.0.0')).toThrow('not a version');
  });

  test('this release may run beside an older one or itself, never beside a newer one alone', () => {
    expect(compareVersions(RUNS_BESIDE, versionOfThis())).toBeLessThanOrEqual(0);
    expect(thisRelease()).toMatchObject({ version: versionOfThis(), runsBeside: RUNS_BESIDE });
  });
});

describe('what is to be done to a record', () => {
  const migration = (version: number) => ({
    ...{ version, name: `000${version}_x`, text: '', checksum: `m${version}` },
  });
  const releaseOf = (version: string, runsBeside: string, migrations: number): Release => ({
    ...{ version, runsBeside },
    migrations: Array.from({ length: migrations }, (_, index) => migration(index + 1)),
    functions: [{ name: 'verb', text: '', checksum: `verb of ${version}` }],
  });
  const stateOf = (...releases: readonly Release[]): SchemaState => {
    const last = releases.at(-1);
    return {
      migrations: Object.fromEntries(last?.migrations.map((m) => [m.version, m.checksum]) ?? []),
      functions: Object.fromEntries(last?.functions.map((f) => [f.name, f.checksum]) ?? []),
      releases: Object.fromEntries(releases.map((one) => [one.version, one.runsBeside])),
    };
  };
  const [n, next, contracting] = [
    releaseOf('0.1.0', '0.0.0', 2),
    releaseOf('0.2.0', '0.1.0', 3),
    releaseOf('0.3.0', '0.2.0', 4),
  ];

  test('everything on an empty one, nothing on its own, the difference on an older one', () => {
    expect(planMigration(stateOf(), n)).toMatchObject({ kind: 'new', from: null, to: '0.1.0' });
    expect(planMigration(stateOf(n), n)).toMatchObject({ kind: 'current', from: '0.1.0' });
    expect(planMigration(stateOf(n), next)).toMatchObject({
      ...{ kind: 'upgrade', from: '0.1.0', to: '0.2.0' },
      migrations: [{ version: 3 }],
      functions: [{ name: 'verb' }],
    });
  });

  test('a record of before releases were noted counts as 0.0.0', () => {
    const state = { ...stateOf(n), releases: {} };
    expect(planMigration(state, n)).toMatchObject({ kind: 'upgrade', from: '0.0.0' });
  });

  test('an older release leaves schema and functions alone where it may run beside', () => {
    expect(planMigration(stateOf(n, next), n)).toEqual({
      ...{ kind: 'older', from: '0.2.0', to: '0.1.0', migrations: [], functions: [] },
    });
  });

  test('an older release that may not run beside is refused with a sentence', () => {
    const state = stateOf(n, next, contracting);
    expect(() => planMigration(state, n)).toThrow(
      'The database was upgraded to Sekisho 0.3.0, beside which 0.2.0 is the oldest release that may run, and this is 0.1.0. ' +
        'Start 0.3.0, or restore a backup from before the upgrade.',
    );
    expect(planMigration(state, next)).toMatchObject({ kind: 'older' });
  });

  test('another text of a migration is refused, also by an older release', () => {
    const state = { ...stateOf(n, next), migrations: { 1: 'another', 2: 'm2', 3: 'm3' } };
    for (const release of [n, next]) {
      expect(() => planMigration(state, release)).toThrow('belongs to another build');
    }
  });
});
