import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { environment } from '../support/process.ts';

const DEMO = fileURLToPath(new URL('../../demo/cluster.mjs', import.meta.url));

test('G5 B11 the demo of a cluster plays to the end, as plain text where nobody sees it', async () => {
  const child = spawn(process.execPath, [DEMO, '--short'], { env: environment() });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += String(chunk);
  });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += String(chunk);
  });
  const [code] = await once(child, 'close');
  expect({ code, complaints, printed }).toMatchObject({ code: 0, complaints: '' });
  expect(printed).toContain('Everything happened as promised.');
  expect(printed).toMatch(/node-3 +fresh/);
  expect(printed).not.toContain('\u001b[');
  expect(Math.max(...printed.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});
