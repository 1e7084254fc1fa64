import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { backUp } from '../../src/create/backup.ts';
import { restore } from '../../src/create/restore.ts';
import type { BackupSummary } from '../../src/record/contract.ts';
import { thisRelease } from '../../src/record/migrator.ts';
import type { TokenPair } from '../../src/session/contract.ts';
import { embeddedPlace, type Place, postgresPlace } from '../support/backup-places.ts';
import { codeOf, ORIGIN, startTestEngine } from '../support/engine.ts';
import { openOldPostgres, startOldEngine } from '../support/old-release.ts';
import { keptReleases } from '../support/releases.ts';

const EMAIL = 'noor@main.example';

for (const release of keptReleases()) {
  describe(`B4 A8 a backup of a record that ${release.version} has made`, () => {
    let folder: string;
    let path: string;
    let source: Place;
    let pair: TokenPair;
    let summary: BackupSummary;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sekisho-older-'));
      path = join(folder, 'old.backup');
      source = await postgresPlace(inject('postgresUrl'))();
      const { record } = source.config;
      const url = record.kind === 'postgres' ? record.databaseUrl : '';
      const old = await startOldEngine(release, await openOldPostgres(release, url), true);
      const { caller } = await old.makeTenant('main');
      await old.makeUser(caller, EMAIL);
      pair = await old.login('main', EMAIL);
      await old.close();
      // Today's command reads it as it is, and migrates nothing.
      summary = await backUp(source.config, { path });
    });
    afterAll(async () => {
      await source?.drop();
      rmSync(folder, { recursive: true, force: true });
    });

    test('is of its schema, and the record is left as it was', async () => {
      expect(summary.schemaVersion).toBe(Object.keys(release.migrations).length);
      const [row] = await source.look<{ count: number }>(
        'select count(*)::integer as count from sekisho.schema_migration',
      );
      expect(row?.count).toBe(summary.schemaVersion);
    });

    const targets = [
      ['PostgreSQL', postgresPlace(inject('postgresUrl'))],
      ['an embedded record', embeddedPlace],
    ] as const;
    test.each(targets)('is restored into %s and brought up to this release', async (_, make) => {
      const target = await make();
      await restore(target.config, { path, replace: false });
      await target.look('select sekisho.find_old_audit(1000)');
      const [found] = await target.look<{ schema: number; audit: number; unsealed: number }>(`
        select (select count(*) from sekisho.schema_migration)::integer as schema,
               (select count(*) from sekisho.audit)::integer as audit,
               (select count(*) from sekisho.audit_unsealed)::integer as unsealed`);
      expect(found?.schema).toBe(thisRelease().migrations.length);
      // What a later release makes of the rows of before, it makes of those that were restored: all are to be sealed.
      expect(found?.unsealed).toBe(found?.audit);
      const engine = await startTestEngine({
        record: await target.open(),
        exclusive: target.config.record.kind === 'embedded',
      });
      try {
        expect(await codeOf(engine.engine.logins.refresh(pair.refreshToken, ORIGIN))).toBe(
          'session_revoked',
        );
        const again = await engine.login('main', EMAIL);
        expect((await engine.callerOf(again)).session.roles).toEqual(['member']);
      } finally {
        await engine.close();
        await target.drop();
      }
    });
  });
}
