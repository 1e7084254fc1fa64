import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backUp } from '../../src/create/backup.ts';
import { checkBackup, type RestoreStage, restore } from '../../src/create/restore.ts';
import type { BackupItem } from '../../src/record/backup/content.ts';
import { openBackupFile, writeBackupFile } from '../../src/record/backup/file.ts';
import type { BackupSummary } from '../../src/record/contract.ts';
import type { TokenPair } from '../../src/session/contract.ts';
import type { KeptCheckpoints } from '../../src/session/operator/audit-contract.ts';
import { mintAccessToken } from '../../src/token/access-token.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { openSigner } from '../../src/token/signing-key.ts';
import type { MakePlace, Place } from '../support/backup-places.ts';
import {
  codeOf,
  ORIGIN,
  PASSWORD,
  SECRET,
  startTestEngine,
  type TestEngine,
  type TestTenant,
} from '../support/engine.ts';

const EMAIL = 'noor@main.example';
/** Who decides for all tenants. */
const by = 'hana';
const OPTIONS = { reason: null, waitMs: 5_000, includeSelf: false, idempotency: null } as const;
/** As long as any backup may take here. */
const PATIENCE_MS = 120_000;

interface Shapes {
  readonly from: MakePlace;
  readonly to: MakePlace;
}

/** What a backup and its restore promise, from one shape of the record to the same or the other one. */
export function backupTests({ from, to }: Shapes): void {
  let source: Place;
  let target: Place;
  let folder: string;
  let path: string;
  let engine: TestEngine;
  let main: TestTenant;
  let uid: string;
  let summary: BackupSummary;
  /** Alive when the backup was made. */
  let kept: TokenPair;
  /** Alive when the backup was made, and revoked after it. */
  let revoked: TokenPair;
  /** Rotated after the backup. */
  let rotated: { readonly before: TokenPair; readonly after: TokenPair };
  /** Made after the backup. */
  let late: TokenPair;
  /** The signing key of the backup, which is withdrawn after it. */
  let stolenKid: string;
  /** Of the audit trail, made before the backup and kept elsewhere. */
  let signed: KeptCheckpoints;

  const startOn = async (place: Place): Promise<TestEngine> =>
    startTestEngine({
      record: await place.open(),
      exclusive: place.config.record.kind === 'embedded',
    });
  const refresh = (on: TestEngine, { refreshToken }: TokenPair): Promise<TokenPair> =>
    on.engine.logins.refresh(refreshToken, ORIGIN);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sekisho-backups-'));
    path = join(folder, 'one.backup');
    [source, target] = await Promise.all([from(), to()]);
    engine = await startOn(source);
    main = await engine.makeTenant('main');
    uid = (await engine.makeUser(main.caller, EMAIL)).uid;
  }, PATIENCE_MS);
  afterAll(async () => {
    await engine?.close();
    await Promise.all([source?.drop(), target?.drop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Logs in, refreshes and revokes until it is told to stop; says how often. */
  function beBusy(): { stop(): Promise<number> } {
    let busy = true;
    let rounds = 0;
    const one = async (): Promise<void> => {
      while (busy) {
        const [first, second] = await Promise.all([
          engine.open('main', uid),
          engine.open('main', main.admin.uid),
        ]);
        await refresh(engine, await refresh(engine, first));
        const { sid } = second.session;
        await engine.engine.administration.revokeSession(main.caller, sid, OPTIONS);
        rounds += 1;
      }
    };
    const running = Promise.all([one(), one()]);
    return {
      async stop() {
        busy = false;
        await running;
        return rounds;
      },
    };
  }

  async function writeBackup(name: string): Promise<BackupSummary> {
    const { backups } = engine.record;
    if (backups === undefined) throw new Error('this record has no backups');
    return backups.write({ path: join(folder, name), ring: createKeyRing(SECRET) });
  }

  test(
    'A8: a backup is made while people log in, refresh and are logged out; its log is as it was then',
    async () => {
      await engine.setPolicy(main.caller, { max_sessions_per_user: 1000 });
      const { operator } = engine.engine;
      const end = { forSeconds: 86_400 };
      await operator.overrideLifetimes({
        ...{ by, end },
        ceiling: { access_ttl: 900 },
        waitMs: null,
      });
      await operator.overrideLimits({ ...{ by, end }, limits: { account_attempts: 100 } });
      await operator.overrideLogLevel({ ...{ by, node: null, end: null }, level: 'error' });
      await operator.pauseCleanup({ by });
      kept = await engine.login('main', EMAIL);
      revoked = await engine.login('main', EMAIL);
      const before = await engine.open('main', uid);
      stolenKid = (await engine.services.keys.verify(kept.accessToken)).kid;
      signed = await engine.engine.operator.checkpointAudit({ tenant: null, all: true });

      const crowd = beBusy();
      const done: number[] = [];
      const { backups } = engine.record;
      const ring = createKeyRing(SECRET);
      const writing = backups?.write({ path, ring, onProgress: (one) => done.push(one.done) });
      // One at a time.
      expect(await codeOf(writeBackup('two.backup'))).toBe('conflict');
      const written = await writing;
      const rounds = await crowd.stop();
      const stranger = createKeyRing(
        'another secret of somebody else, long enough'.replace(',', ''),
      );
      const asStranger = backups?.write({ path: join(folder, 'stranger.backup'), ring: stranger });
      expect(await codeOf(Promise.resolve(asStranger))).toBe('invalid_configuration');
      if (written === undefined) throw new Error('this record has no backups');
      summary = written;
      expect(rounds).toBeGreaterThan(0);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      expect(done.at(-1)).toBe(summary.rows);
      expect(await checkBackup(source.config, { path })).toEqual(summary);

      // What is done after it is lost with a restore, all but that everybody is logged out.
      const { administration } = engine.engine;
      await administration.revokeSession(main.caller, revoked.session.sid, OPTIONS);
      rotated = { before, after: await refresh(engine, before) };
      late = await engine.open('main', uid);
      await engine.engine.operator.retireKey({ kid: stolenKid, withdraw: true });
      for (const kind of ['lifetimes', 'limits', 'log_level'] as const) {
        await operator.clearOverride({ by, kind, node: null });
      }
      await operator.resumeCleanup({ by });
      const { head } = await engine.record.log.head();
      expect(summary.position).toBeLessThan(head.position);
    },
    PATIENCE_MS,
  );

  test('A8: a file that is changed, cut off, or under another secret leaves the target untouched', async () => {
    const whole = readFileSync(path);
    const bad = join(folder, 'bad.backup');
    const refused = (config = target.config): Promise<string> =>
      codeOf(restore(config, { path: bad, replace: true }));
    writeFileSync(bad, whole.subarray(0, whole.length - 100));
    expect(await refused()).toBe('backup_unusable');
    const changed = Buffer.from(whole);
    const middle = Math.floor(whole.length / 2);
    changed[middle] = (changed[middle] ?? 0) ^ 1;
    writeFileSync(bad, changed);
    expect(await refused()).toBe('backup_unusable');
    writeFileSync(bad, whole);
    const secret = 'another secret, of somebody else'.repeat(2);
    expect(await refused({ ...target.config, secret })).toBe('invalid_configuration');
    // It is as empty as before.
    expect(await codeOf(backUp(target.config, { path: join(folder, 'none.backup') }))).toMatch(
      /^(not_found|data_directory_unusable)$/,
    );
  });

  test(
    'RESTORE: the whole record is restored, of one moment, with its references',
    async () => {
      const stages = new Set<RestoreStage>();
      const onProgress = (stage: RestoreStage): unknown => stages.add(stage);
      const restored = await restore(target.config, { path, replace: false, onProgress });
      expect([...stages]).toEqual(['checking', 'restoring']);
      expect(restored.backup).toEqual(summary);
      expect(restored.position).toBe(summary.position + 1);
      expect(restored.generation).not.toBe(summary.generation);
      expect(restored.inForce).toMatchObject([
        { kind: 'lifetimes', value: { access_ttl: 900 }, by },
        { kind: 'limits', value: { account_attempts: 100 }, by },
      ]);
      expect(restored.cleanupResumed).toBe(true);

      const [found] = await target.look<Record<string, number>>(CONSISTENCY);
      expect(found).toEqual({
        gaps: 0,
        head_is_last: true,
        log_without_operation: 0,
        revoked_but_not_ended: 0,
        ended_but_not_revoked: 0,
        rotations_without_used_token: 0,
        sessions_without_user: 0,
        sessions_without_audit: 0,
        members: 0,
        resets: 0,
        parent: summary.generation,
        parent_end: summary.position,
        last_scope: 'all',
        declared: 1,
      });
    },
    PATIENCE_MS,
  );

  test(
    'RESTORE: what is there is replaced only when that is said',
    async () => {
      const again = restore(target.config, { path, replace: false });
      expect(await codeOf(again)).toBe('conflict');
      const restored = await restore(target.config, { path, replace: true });
      expect(restored.position).toBe(summary.position + 1);
    },
    PATIENCE_MS,
  );

  test(
    'RESTORE: one that fails in the middle leaves what was there',
    async () => {
      const ring = createKeyRing(SECRET);
      const { header, items } = await openBackupFile(path, ring);
      const broken = async function* (): AsyncGenerator<BackupItem> {
        for await (const item of items()) {
          const isLast = item.kind === 'rows' && item.rows.some((row) => row.includes('issuer'));
          yield isLast ? { kind: 'rows', rows: item.rows.map(() => '(no row') } : item;
        }
      };
      const bad = join(folder, 'broken.backup');
      await writeBackupFile(bad, ring.newest, { header, items: broken() });
      const generation = 'select generation from sekisho.head';
      const before = await target.look(generation);
      await expect(restore(target.config, { path: bad, replace: true })).rejects.toThrow();
      expect(await target.look(generation)).toEqual(before);
    },
    PATIENCE_MS,
  );

  describe('on the restored record', () => {
    let restored: TestEngine;
    beforeAll(async () => {
      restored = await startOn(target);
    }, PATIENCE_MS);
    afterAll(() => restored?.close());

    const judged = (pair: TokenPair): Promise<string> =>
      codeOf(restored.engine.authentication.authenticate(pair.accessToken));

    test('RESTORE: nothing that was revoked after the backup comes back, nor any other session', async () => {
      for (const pair of [kept, revoked, rotated.before, rotated.after, late]) {
        expect(await judged(pair)).toBe('invalid_token');
        expect(await codeOf(refresh(restored, pair))).toMatch(
          /^(session_revoked|invalid_refresh_token)$/,
        );
      }
      expect(await codeOf(refresh(restored, kept))).toBe('session_revoked');
    });

    test('RESTORE: a signing key that was withdrawn after the backup signs nothing again', async () => {
      const { operator } = restored.engine;
      const [made, ...older] = await operator.listKeys();
      expect(made).toMatchObject({ state: 'signing', retiredAtMs: null });
      expect(older.map(({ kid }) => kid)).toContain(stolenKid);
      expect(new Set(older.map(({ state }) => state))).toEqual(new Set(['gone']));
      expect((await restored.engine.jwks()).keys.map(({ kid }) => kid)).toEqual([made?.kid]);

      // As whoever stole it would: the claims of a session that is alive, under the key of the backup.
      const pair = await restored.login('main', EMAIL);
      const { services } = restored;
      const { kid, ...claims } = await services.keys.verify(pair.accessToken);
      expect(kid).toBe(made?.kid);
      const stored = (await restored.record.keys.list()).find((one) => one.kid === stolenKid);
      if (stored === undefined) throw new Error('the backup has lost a key');
      const forged = await mintAccessToken(openSigner(createKeyRing(SECRET), stored), {
        ...{ ...claims, issuer: restored.engine.issuer, audience: restored.engine.audience },
      });
      expect(await judged({ ...pair, accessToken: forged })).toBe('invalid_token');
      expect(await judged(pair)).toBe('none');
    });

    test('RESTORE A8: what makes things stricter for a while is in force again; a pause and a log level are not', async () => {
      const { operator } = restored.engine;
      const { overrides, paused } = await operator.operations();
      expect(overrides.map(({ kind }) => kind)).toEqual(['lifetimes', 'limits']);
      expect(paused).toBeNull();
      const rows = await operator.listAudit({
        ...{ tenant: null, filter: { action: 'record_restored' } },
        page: { limit: 10, cursor: null },
      });
      expect(rows[0]?.detail).toMatchObject({ cleanup_resumed: true });

      // Declared by hand it is the same.
      await operator.pauseCleanup({ by });
      await operator.declareRestored();
      expect((await operator.operations()).paused).toBeNull();
    });

    test('RESTORE B14: checkpoints of the audit trail from before the backup are verified as ever', async () => {
      const { operator } = restored.engine;
      const {
        trails,
        missing,
        problems: ofKept,
      } = await operator.verifyAudit({
        ...{ tenant: null, all: true, kept: signed },
      });
      expect(ofKept).toEqual([]);
      expect(signed.checkpoints.length).toBeGreaterThan(0);
      expect(missing).toEqual([]);
      expect(trails.flatMap(({ problems }) => problems)).toEqual([]);
      expect(trails.map(({ unverifiable }) => unverifiable)).toEqual(trails.map(() => 0));
      const kept = trails.find(({ tid }) => tid === main.tenant.tid);
      expect(kept?.checkpoints).toBeGreaterThan(0);
    });

    test('B2: passwords work, and roles are there', async () => {
      const pair = await restored.login('main', EMAIL);
      const caller = await restored.callerOf(pair);
      expect(caller.session).toMatchObject({ userId: uid, tenantId: main.tenant.tid });
      const admin = await restored.login('main', 'admin@main.example');
      const { session } = await restored.callerOf(admin);
      expect(session.roles).toContain('admin');
      expect(await codeOf(restored.login('main', EMAIL, { password: `${PASSWORD}!` }))).toBe(
        'invalid_credentials',
      );
    });

    test('A8: nothing is restored under a node that runs', async () => {
      expect(await codeOf(restore(target.config, { path, replace: true }))).toMatch(
        /^(conflict|data_directory_in_use)$/,
      );
      expect(await judged(await restored.login('main', EMAIL))).toBe('none');
    });
  });
}

/** Everything that must hold whatever moment the backup is of; `- 1` and the like leave out what the restore added. */
const CONSISTENCY = `
  select (select max(position) - min(position) + 1 - count(*) from sekisho.revocation)::integer as gaps,
         (select h.position = (select max(position) from sekisho.revocation) from sekisho.head h) as head_is_last,
         (select count(*) from sekisho.revocation r
           where not exists (select from sekisho.operation o where o.id = r.operation_id))::integer as log_without_operation,
         (select count(*) from sekisho.revocation r join sekisho.session s on s.tid = r.tid and s.sid = r.sid
           where r.scope = 'session' and s.ended_at is null)::integer as revoked_but_not_ended,
         (select count(*) from sekisho.session s where s.ended_at is not null
           and not exists (select from sekisho.revocation r where r.sid = s.sid))::integer as ended_but_not_revoked,
         (select count(*) from sekisho.session s where s.rot <> (
            select count(*) from sekisho.refresh_used u where u.tid = s.tid and u.sid = s.sid
          ))::integer as rotations_without_used_token,
         (select count(*) from sekisho.session s where not exists (
            select from sekisho.tenant_user u where u.tid = s.tid and u.uid = s.uid))::integer as sessions_without_user,
         (select count(*) from sekisho.session s where not exists (
            select from sekisho.audit a where a.tid = s.tid and a.subject_id = s.sid
          ))::integer as sessions_without_audit,
         (select count(*) from sekisho.member)::integer as members,
         (select count(*) from sekisho.password_reset)::integer as resets,
         g.parent, g.parent_end::integer as parent_end,
         (select scope from sekisho.revocation order by position desc limit 1) as last_scope,
         (select count(*) from sekisho.audit where action = 'record_restored')::integer as declared
    from sekisho.head h join sekisho.generation g on g.id = h.generation`;
