import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { cleanUp, environment, freshDirectory, serve } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/getting-started.md'), 'utf8');

afterEach(cleanUp);

/** The shell blocks of the page, but for the one that starts the server. */
const blocks = [...page.matchAll(/^```sh\n(.*?)^```/gms)]
  .map(([, text = '']) => text)
  .filter((text) => !text.startsWith('npm ci'));

describe('docs/getting-started.md does what it says', () => {
  test('B2 B3: three devices, one logged out by its owner, all by an administrator', {
    timeout: 420_000,
  }, async () => {
    expect(blocks).toHaveLength(4);
    const directory = freshDirectory();
    const server = await serve(join(directory, '.sekisho'));
    const command = `${process.execPath} ${join(root, 'dist/cli/main.js')}`;
    const script = blocks
      .join('\n')
      .replaceAll('localhost:4000', server.origin.replace('http://', ''))
      .replaceAll('npx sekisho', command);
    const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: directory,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let complained = '';
    shell.stdout.on('data', (chunk) => {
      said += chunk;
    });
    shell.stderr.on('data', (chunk) => {
      complained += chunk;
    });
    const [code] = (await once(shell, 'close')) as [number | null];
    expect(code, complained).toBe(0);
    const [, ...lines] = said.trim().split('\n');
    expect(lines[0]?.split(', ').sort()).toEqual(['PC', 'Phone', 'Tablet']);
    expect(lines.slice(1)).toEqual([
      'everywhere',
      'session_revoked',
      'everywhere',
      'session_revoked',
      'session_revoked',
    ]);
  });
});
