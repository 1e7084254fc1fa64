import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { backUp } from '../../src/create/backup.ts';
import { restore } from '../../src/create/restore.ts';
import { MAX_SKEW_MS } from '../../src/revocation/constants.ts';
import { publishedKeysAt, signingKeyAt } from '../../src/token/key-set.ts';
import { embeddedPlace, type Place, postgresPlace } from '../support/backup-places.ts';
import { codeOf, startTestEngine } from '../support/engine.ts';

const COUNT = 'select count(*)::integer as tenants from sekisho.tenant';
const clockAt = (aheadMs: number): Clock => ({
  ...systemClock,
  wallMs: () => Date.now() + aheadMs,
});

describe('RESTORE WALL TIME the clock of the machine that restores', () => {
  let folder: string;
  let path: string;
  let source: Place;
  let kid: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sekisho-clock-'));
    path = join(folder, 'one.backup');
    source = await postgresPlace(inject('postgresUrl'))();
    const engine = await startTestEngine({ record: await source.open(), exclusive: false });
    await engine.makeTenant('main');
    await engine.engine.jwks();
    kid = (await engine.record.keys.list())[0]?.kid ?? '';
    await engine.close();
    await backUp(source.config, { path });
  });
  afterAll(async () => {
    await source?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Whoever has the keys of the backup has nothing, and somebody can log in: now, and by whoever's clock is a bit off. */
  async function expectWithdrawn(place: Place): Promise<void> {
    const record = await place.open();
    try {
      const keys = await record.keys.list();
      expect(keys.map((one) => one.kid)).toContain(kid);
      for (const nowMs of [Date.now() - MAX_SKEW_MS, Date.now()]) {
        const published = publishedKeysAt(keys, nowMs).map((one) => one.kid);
        expect(published).toHaveLength(1);
        expect(published).not.toContain(kid);
        expect(signingKeyAt(keys, nowMs)?.kid).toBe(published[0]);
      }
    } finally {
      await record.close();
    }
  }

  test.each([
    ['ahead of', 300_000],
    ['behind', -300_000],
  ])(
    '%s the database’s by more than MAX_SKEW: nothing is touched, and it says so',
    async (words, aheadMs) => {
      const refused = restore(source.config, { path, replace: true, clock: clockAt(aheadMs) });
      await expect(refused).rejects.toMatchObject({
        code: 'invalid_configuration',
        message: expect.stringMatching(new RegExp(`(299|300|301) s ${words} .*set the clock`)),
      });
      expect(await source.look(COUNT)).toEqual([{ tenants: 1 }]);
      expect(await source.look('select count(*)::integer as n from sekisho.generation')).toEqual([
        { n: 1 },
      ]);
    },
  );

  test('within MAX_SKEW, on either side: the keys of the backup are good for nothing at once', async () => {
    for (const aheadMs of [MAX_SKEW_MS - 5_000, 5_000 - MAX_SKEW_MS]) {
      await restore(source.config, { path, replace: true, clock: clockAt(aheadMs) });
      await expectWithdrawn(source);
    }
  });

  test('an embedded record: a clock that is set right afterwards makes no key of the backup good', async () => {
    const target = await embeddedPlace();
    try {
      await restore(target.config, { path, replace: false, clock: clockAt(86_400_000) });
      await expectWithdrawn(target);
      expect(await codeOf(restore(target.config, { path, replace: false }))).toBe('conflict');
    } finally {
      await target.drop();
    }
  });
});
