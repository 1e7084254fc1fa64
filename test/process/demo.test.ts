import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { environment } from '../support/process.ts';

const STORY = fileURLToPath(new URL('../../demo/story.mjs', import.meta.url));

test('B2 B3 the demo plays its story to the end, without colours where nobody sees them', async () => {
  const child = spawn(process.execPath, [STORY], { env: environment() });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += String(chunk);
  });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += String(chunk);
  });
  const [code] = await once(child, 'close');
  expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
  expect(printed).toContain('Everything happened as promised.');
  expect(printed).not.toContain('\u001b[');
  expect(Math.max(...printed.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});
