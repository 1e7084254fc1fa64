import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/record/database.ts';
import { migrate, type Release, thisRelease } from '../../src/record/migrator.ts';
import { startWorkerDatabase } from '../../src/record/pglite/worker-database.ts';
import { compareVersions } from '../../src/record/release.ts';
import { KNOWS_OF_NEWER, keptReleases } from '../support/releases.ts';

interface Signature {
  readonly name: string;
  /** Types of the parameters, in order. */
  readonly parameters: readonly string[];
  /** How many of the last ones may be left out. */
  readonly defaults: number;
  readonly result: string;
}

interface Assets {
  loadMigrations(): Release['migrations'];
  loadFunctions(): Release['functions'];
}

const kept = keptReleases().filter(
  ({ version }) => compareVersions(version, thisRelease().runsBeside) >= 0,
);

describe('B4 what releases that may run beside this one call is still there', () => {
  let database: Database;
  beforeAll(async () => {
    database = await startWorkerDatabase({});
  });
  afterAll(() => database?.close());

  test.each(kept)(
    'every function of $version takes its calls, with the same result',
    async (release) => {
      const { loadMigrations, loadFunctions } = await release.load<Assets>('src/record/assets.js');
      await database.script('drop schema if exists sekisho cascade');
      const { version } = release;
      await migrate(database, {
        ...{ version, runsBeside: version },
        ...{ migrations: loadMigrations(), functions: loadFunctions() },
      });
      // Functions that only other functions call are replaced together with them.
      const called = calledBy(release.folder);
      const before = (await signaturesOf(database)).filter(({ name }) => called(name));
      expect(before.length).toBeGreaterThan(40);
      await migrate(database);
      const now = await signaturesOf(database);
      expect(before.filter((one) => !now.some((other) => takes(other, one)))).toEqual([]);
      if (compareVersions(version, KNOWS_OF_NEWER) >= 0) {
        // It may be started on a record that this release has made.
        await database.script('drop schema sekisho cascade');
        await migrate(database);
        const made = await signaturesOf(database);
        expect(before.filter((one) => !made.some((other) => takes(other, one)))).toEqual([]);
      }
      // A call that fits two functions is refused by PostgreSQL, or goes to the older text.
      const doubled = now.filter((one) =>
        now.some((other) => other !== one && takes({ ...other, result: one.result }, one)),
      );
      expect(doubled).toEqual([]);
    },
  );

  test('what would break a call is found', () => {
    const old = { name: 'verb', parameters: ['text', 'bigint'], defaults: 0, result: 'jsonb' };
    expect(takes(old, old)).toBe(true);
    const wider = { ...old, parameters: ['text', 'bigint', 'text'], defaults: 1 };
    expect(takes(wider, old)).toBe(true);
    expect(takes({ ...wider, defaults: 0 }, old)).toBe(false);
    expect(takes({ ...old, parameters: ['bigint', 'text'] }, old)).toBe(false);
    expect(takes({ ...old, result: 'text' }, old)).toBe(false);
    expect(takes({ ...old, parameters: ['text'] }, old)).toBe(false);
    const table = { ...old, result: 'TABLE(a text)' };
    expect(takes({ ...old, result: 'TABLE(a text, b text)' }, table)).toBe(true);
    expect(takes({ ...old, result: 'TABLE(b text)' }, table)).toBe(false);
  });
});

/** Whether the code of a release speaks of a function by its name: in a call, or in a statement of its own. */
function calledBy(folder: string): (name: string) => boolean {
  const sources = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js') || path.startsWith(join('record', 'statements')))
    .filter((path) => /\.(js|sql)$/.test(path))
    .map((path) => readFileSync(join(folder, 'src', path), 'utf8'))
    .join('\n');
  return (name) => new RegExp(`'${name}'|\\bsekisho\\.${name}\\(`).test(sources);
}

/** Whether `now` answers what callers of `old` send: the parameters of before, any more with defaults, the same result. */
function takes(now: Signature, old: Signature): boolean {
  return (
    now.name === old.name &&
    old.parameters.every((type, index) => now.parameters[index] === type) &&
    now.parameters.length - now.defaults <= old.parameters.length - old.defaults &&
    (now.result === old.result ||
      (old.result.startsWith('TABLE(') && now.result.startsWith(`${old.result.slice(0, -1)}, `)))
  );
}

async function signaturesOf(database: Database): Promise<readonly Signature[]> {
  return await database.query<Signature & object>({
    text: `select p.proname as name, p.pronargdefaults as defaults,
        coalesce((select array_agg(format_type(t, null) order by n)
          from unnest(p.proargtypes) with ordinality as a (t, n)), '{}') as parameters,
        pg_get_function_result(p.oid) as result
      from pg_proc p where p.pronamespace = 'sekisho'::regnamespace order by 1`,
  });
}
