import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import { openPgliteRecord } from '../../src/record/pglite/open.ts';
import { request } from '../support/requests.ts';

/** What the killed process runs: `npm test` builds it before. */
const built = new URL('../../dist/record/pglite/open.js', import.meta.url).href;

/** Commits without end, and prints each entry's operation once the record has acknowledged it. */
const program = `
  const { openPgliteRecord } = await import(${JSON.stringify(built)});
  const record = await openPgliteRecord({ dataDir: process.argv[1] });
  const base = JSON.parse(process.argv[2]);
  for (let n = 0; ; n += 1) {
    const operationId = 'operation-' + n;
    const revoke = [{ scope: 'all', tid: null, uid: null, sid: null, sparedSid: null }];
    const [outcome] = await record.log.commit([{ ...base, operationId, revoke }]);
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
    process.stdout.write(operationId + '\\n');
  }`;

let dataDir: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sekisho-durability-'));
});

afterEach(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(dataDir, { recursive: true, force: true });
});

async function generationOf(): Promise<{ generation: string; agrees: boolean; position: number }> {
  const record = await openPgliteRecord({ dataDir });
  try {
    const { head, identityAgrees } = await record.log.head();
    return { ...head, agrees: identityAgrees };
  } finally {
    await record.close();
  }
}

describe('a data directory', () => {
  test('every acknowledged commit survives kill -9, and the next start is a new history', async () => {
    child = spawn(
      process.execPath,
      ['--input-type=module', '-e', program, dataDir, JSON.stringify(request())],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      acknowledged.push(line);
      if (acknowledged.length === 40) child.kill('SIGKILL');
    }
    // The same build, so that it is the same release that finds the directory.
    const release = (await import(built)) as { openPgliteRecord: typeof openPgliteRecord };
    const record = await release.openPgliteRecord({ dataDir });
    try {
      expect((await record.log.head()).identityAgrees).toBe(false);
      const { entries, head } = await record.log.fetch(0, 1000);
      const kept = entries.map((entry) => entry.operationId);
      expect(kept.slice(0, acknowledged.length)).toEqual(acknowledged);
      expect(entries.map((entry) => entry.position)).toEqual(kept.map((_, index) => index + 1));
      expect(head.position).toBe(entries.length);
      const [refused] = await record.log.commit([request()]);
      expect(refused).toMatchObject({ kind: 'identity_changed' });
      const begun = await record.log.beginGeneration(head.generation, newId(), false);
      expect(begun).toMatchObject({ position: entries.length });
      expect((await record.log.commit([request()]))[0]).toMatchObject({ kind: 'committed' });
    } finally {
      await record.close();
    }
  });

  test('GENERATION B4 each start in order is a new history too, and loses nothing', async () => {
    const first = await generationOf();
    expect(first).toMatchObject({ agrees: true, position: 0 });
    expect(await generationOf()).toEqual({ ...first, agrees: false });
  });

  test('is refused to a second process’s record while the first is open', async () => {
    const record = await openPgliteRecord({ dataDir });
    try {
      await expect(openPgliteRecord({ dataDir })).rejects.toMatchObject({
        code: 'data_directory_in_use',
        members: { holder: { pid: process.pid } },
      });
    } finally {
      await record.close();
    }
  });

  test('that holds something else is an error that names it, and is given back', async () => {
    mkdirSync(join(dataDir, 'postgres'));
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), 'not a version');
    for (let round = 0; round < 2; round += 1) {
      await expect(openPgliteRecord({ dataDir })).rejects.toMatchObject({
        code: 'data_directory_unusable',
        message: expect.stringContaining(dataDir),
      });
    }
  });
});
