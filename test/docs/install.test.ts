import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { cleanUp, freshDirectory } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = join(root, 'node_modules');

afterEach(cleanUp);

describe('A5 the way into somebody’s project', () => {
  test('npm pack in a checkout that was never built makes a package with its code', () => {
    const checkout = freshDirectory();
    const wanted = ['src', 'tools', 'package.json', 'tsconfig.base.json', 'tsconfig.build.json'];
    for (const name of wanted) {
      cpSync(join(root, name), join(checkout, name), { recursive: true });
    }
    symlinkSync(modules, join(checkout, 'node_modules'));
    const packed = spawnSync('npm', ['pack', '--dry-run', '--json'], {
      cwd: checkout,
      encoding: 'utf8',
    });
    expect(packed.status, packed.stderr).toBe(0);
    for (const file of ['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js']) {
      expect(packed.stdout).toContain(`"${file}"`);
    }
    expect(packed.stdout).toMatch(/"dist\/record\/sql\/\w+\.sql"/);
  });

  test('the examples of the README are strict TypeScript', () => {
    const project = freshDirectory();
    const installed = ['hono', 'express', '@hono/node-server', '@types'];
    for (const name of installed) {
      const link = join(project, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(modules, name), link);
    }
    symlinkSync(root, join(project, 'node_modules/sekisho'));
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const examples = [...readme.matchAll(/```ts\n\/\/ (\w+)\.mjs\n(.*?)```/gs)];
    expect(examples.map(([, name]) => name)).toEqual(['fetch', 'express']);
    for (const [, name = '', source = ''] of examples)
      writeFileSync(join(project, `${name}.ts`), source);
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      types: ['node'],
    };
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['*.ts'] }),
    );
    writeFileSync(join(project, 'package.json'), '{"type":"module"}');
    const checked = spawnSync(join(modules, '.bin/tsc'), ['-p', project], { encoding: 'utf8' });
    expect({ status: checked.status, stdout: checked.stdout }).toEqual({ status: 0, stdout: '' });
  });
});
