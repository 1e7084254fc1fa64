import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { environment } from '../../support/process.ts';
import { root } from './blocks.ts';
import { projectOf } from './programs.ts';

/** Runs a driver of test/docs/programs in a project with the programs; resolves with what it printed. */
export async function drive(
  driver: string,
  sources: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const project = projectOf(sources);
  cpSync(join(root, 'test/docs/programs', driver), join(project, driver));
  const child = spawn(process.execPath, [driver, ...args], {
    cwd: project,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk) => {
      said[name] += String(chunk);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, `${said.stdout}${said.stderr}`).toBe(0);
  return JSON.parse(said.stdout);
}
