import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { cleanUp, freshDirectory } from '../support/process.ts';
import { present, read, root } from './files.ts';

interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, unknown>>;
  }[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = '.github/workflows';
const workflows = Object.fromEntries(
  readdirSync(join(root, folder)).map((name) => [
    name,
    parse(read(`${folder}/${name}`), { strict: true, uniqueKeys: true }) as Workflow,
  ]),
);
const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps = [] }) => steps);
const { scripts } = JSON.parse(read('package.json')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

describe('A13 the workflows', () => {
  test.each(Object.entries(workflows))(
    '%s runs what there is, with no more rights than it needs',
    (_name, workflow) => {
      expect(workflow.permissions).toEqual({ contents: 'read' });
      for (const { uses, run = '', with: given } of stepsOf(workflow)) {
        // A tag is whatever its owner says today; a commit is what was looked at.
        if (uses !== undefined) expect(uses).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40}$/);
        if (uses?.startsWith('actions/checkout@')) {
          expect(given).toMatchObject({ 'persist-credentials': false });
        }
        for (const [, script = ''] of run.matchAll(/npm run (\S+)/g)) {
          expect(Object.keys(scripts)).toContain(script);
        }
        for (const [, path = ''] of run.matchAll(/(?:node|bash) ([\w./-]+)/g)) {
          expect(present(path), path).toBe(true);
        }
      }
      for (const { uses } of Object.values(workflow.jobs)) {
        if (uses?.startsWith('./')) expect(present(uses)).toBe(true);
      }
    },
  );

  test('an action is named by its commit, with the release beside it, the same everywhere', () => {
    const lines = Object.keys(workflows).flatMap((name) =>
      [...read(`${folder}/${name}`).matchAll(/uses: (actions\/\S+)(.*)$/gm)].map(
        ([, action = '', comment = '']) => ({ action, comment }),
      ),
    );
    expect(lines.length).toBeGreaterThan(5);
    const named = new Map<string, string>();
    for (const { action, comment } of lines) {
      expect(comment).toMatch(/^ # v\d+\.\d+\.\d+$/);
      const [name = ''] = action.split('@');
      expect(named.get(name) ?? action + comment).toBe(action + comment);
      named.set(name, action + comment);
    }
  });

  test('whatever is proposed or landed is checked by the one script', () => {
    const { on } = workflows['ci.yml'] as Workflow;
    expect(Object.keys(on)).toEqual(['push', 'pull_request', 'workflow_call']);
    const run = stepsOf(workflows['ci.yml'] as Workflow).map((step) => step.run);
    expect(run).toContain('bash .ci/run');
  });

  test('a tag is tested before it is published, with provenance and without a stored token', () => {
    const release = workflows['release.yml'] as Workflow;
    expect(release.on).toEqual({ push: { tags: ['v*.*.*'] } });
    const { test: tests, pack, publish } = release.jobs;
    expect(tests?.uses).toBe('./.github/workflows/ci.yml');
    expect(pack?.needs).toBe('test');
    const commands = (job: typeof pack) => job?.steps?.map((step) => step.run ?? '') ?? [];
    const at = (words: string) => commands(pack).findIndex((one) => one.includes(words));
    expect(at('check-release.mjs "$GITHUB_REF_NAME"')).toBeGreaterThan(-1);
    expect(at('check-release.mjs "$GITHUB_REF_NAME"')).toBeLessThan(at('npm pack'));
    // Where a release can be signed nothing runs that came with the repository or with a package.
    expect(pack?.permissions).toBeUndefined();
    expect(publish?.needs).toBe('pack');
    expect(publish?.permissions).toEqual({ contents: 'write', 'id-token': 'write' });
    const published = commands(publish).join('\n');
    expect(published).toMatch(/npm publish \S+\.tgz --ignore-scripts --provenance/);
    expect(published).not.toMatch(/npm (ci|install|run)|node |npx /);
    expect(read(`${folder}/release.yml`)).not.toContain('secrets.');
  });
});

describe('A13 what a release needs', () => {
  afterAll(cleanUp);

  function check(
    files: { version?: string; changelog?: string; kept?: string },
    ...args: string[]
  ) {
    const {
      version = '1.2.3',
      changelog = '## 1.2.3 (2030-01-31)\n\nNew.\n',
      kept = version,
    } = files;
    const at = freshDirectory();
    writeFileSync(join(at, 'package.json'), JSON.stringify({ version }));
    writeFileSync(
      join(at, 'CHANGELOG.md'),
      `# Changelog\n\n${changelog}\n## 1.2.2 (2030-01-01)\n\nOld.\n`,
    );
    mkdirSync(join(at, 'test/fixtures/releases', kept), { recursive: true });
    writeFileSync(join(at, 'test/fixtures/releases', kept, 'release.json'), '{}');
    const ran = spawnSync(process.execPath, [join(root, 'tools/check-release.mjs'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, RELEASE_ROOT: at },
    });
    return { code: ran.status, said: `${ran.stdout}${ran.stderr}`.trim() };
  }

  test('the tag, the version, a dated entry and the kept release', () => {
    expect(check({}, 'v1.2.3')).toEqual({ code: 0, said: 'v1.2.3: everything is in place' });
    expect(check({}, 'v1.2.3', '--notes')).toEqual({ code: 0, said: 'New.' });
    expect(check({}, 'v1.2.3', '--dist-tag')).toEqual({ code: 0, said: 'latest' });
    const early = { version: '1.3.0-rc.1', changelog: '## 1.3.0-rc.1 (2030-02-01)\n\nSoon.\n' };
    expect(check(early, 'v1.3.0-rc.1', '--dist-tag')).toEqual({ code: 0, said: 'next' });
  });

  test.each([
    [{}, '1.2.3', 'the tag is v1.2.3'],
    [{}, '', 'empty'],
    [{ version: '1.2.4' }, 'v1.2.3', 'package.json says 1.2.4'],
    [{ changelog: '## 1.2.4 (2030-01-31)\n' }, 'v1.2.3', 'no entry'],
    [{ changelog: '## 1.2.3 (unreleased)\n' }, 'v1.2.3', 'no date'],
    [{ kept: '1.2.2' }, 'v1.2.3', 'release-fixture.mjs'],
  ])('%j with the tag %s is refused', (files, tag, why) => {
    const { code, said } = check(files, tag);
    expect(code).toBe(1);
    expect(said).toContain(why);
  });
});
