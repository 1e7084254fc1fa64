import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BOOTSTRAP, cleanUp, freshDirectory, serve } from '../support/process.ts';

afterEach(cleanUp);

describe('ASVS 13.3.1: what a data directory shows to other users of the machine', () => {
  test('ASVS 13.3.1 A8 nothing, also where the directory was there before and is open to all', async () => {
    const directory = freshDirectory();
    chmodSync(directory, 0o755);
    const server = await serve(directory, BOOTSTRAP);
    for (const name of readdirSync(directory)) {
      const mode = statSync(join(directory, name)).mode & 0o077;
      expect([name, mode.toString(8)]).toEqual([name, '0']);
    }
    await server.end('SIGTERM');
  });
});
