import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { cleanUp, environment, freshDirectory } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8');

afterEach(cleanUp);

test('A1 the test file of docs/testing.md passes in a project of its own', async () => {
  const source = /```ts\n\/\/ orders\.test\.ts\n(.*?)```/s.exec(page)?.[1];
  if (source === undefined) throw new Error('docs/testing.md has no example orders.test.ts');
  const project = freshDirectory();
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules/sekisho'));
  symlinkSync(join(root, 'node_modules/vitest'), join(project, 'node_modules/vitest'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'orders.test.ts'), source);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', '--testTimeout=60000'], {
    cwd: project,
    env: { ...environment(), NODE_ENV: 'test' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, said).toBe(0);
  expect(said).toMatch(/Tests.*3 passed/);
});
