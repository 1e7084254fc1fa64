import { expect, test } from 'vitest';
import { readKept } from '../../../src/audit/signed.ts';
import { verifyTrail } from '../../../src/audit/verifier.ts';
import type { SqlCall } from '../../../src/record/database.ts';
import { signCheckpoint } from '../../../src/token/checkpoint.ts';
import { createKeyRing } from '../../../src/token/secrets.ts';
import { makeSigningKey, openSigner, verifierOfJwk } from '../../../src/token/signing-key.ts';
import type { RecordFixture } from '../../support/seed.ts';
import {
  ISSUER,
  kinds,
  rewriteChain,
  sealAll,
  sealedTenant,
  sealerOf,
  tamper,
  trailKeys,
  verifyAll,
  write,
} from '../../support/trail.ts';

const others = createKeyRing('another secret of the tests of thirty-two bytes and more');

/** All of a trail was sealed so long ago. */
const sealedAgo = (tid: string, ago: string): SqlCall => ({
  text: `update sekisho.audit_seal set sealed_at = sealed_at - $2::text::interval where tid = $1`,
  values: [tid, ago],
});

const changeRow = (tid: string, id: string | undefined): SqlCall => ({
  text: `update sekisho.audit set actor_uid = 'mallory' where tid = $1 and id = $2`,
  values: [tid, id],
});

const found = async (fixture: RecordFixture, tid: string) =>
  kinds(await verifyAll(fixture, tid)).map(([kind, seq]) => [kind, seq]);

/** A trail that nobody has signed, or whose signatures nobody can verify, is none that verifies. */
export function unsignedTests(opened: () => RecordFixture): void {
  test('B14 ASVS 16.4.2 a rewritten chain without any checkpoint is no good one, from the time on in which one comes', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 4);
    await rewriteChain(fixture, tid, changeRow(tid, ids[1]));
    const nobody = (seq: number) => ({
      text: 'update sekisho.audit_chain set unsigned_since = null, signed_seq = $2 where tid = $1',
      values: [tid, seq],
    });
    await tamper(fixture, sealedAgo(tid, '4 minutes'), nobody(0));
    expect(await found(fixture, tid)).toEqual([]);
    await tamper(fixture, sealedAgo(tid, '2 minutes'));
    expect(await verifyAll(fixture, tid)).toMatchObject({ signedTo: 0, checkpoints: 0 });
    expect(await found(fixture, tid)).toEqual([['unsigned', 1]]);
    // The chain still says how far it was signed.
    await tamper(fixture, nobody(4), sealedAgo(tid, '-6 minutes'));
    expect(await found(fixture, tid)).toEqual([['unsigned', 4]]);
  });

  test('B14 ASVS 16.4.2 an end that was never signed is named where it begins; one whose nodes were stopped is no fault', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 3);
    const { trail } = fixture.record;
    await write(fixture, tid, 2);
    // Sealed, and stopped before it was signed.
    const { sealer } = sealerOf(fixture);
    await sealer.run();
    await sealer.close();
    expect(await trail.state(tid)).toMatchObject({ signedSeq: 3, head: { seq: 5 } });
    const since = (ago: string | null) => ({
      text: 'update sekisho.audit_chain set unsigned_since = now() - $2::text::interval where tid = $1',
      values: [tid, ago],
    });
    await tamper(fixture, sealedAgo(tid, '1 day'), since('1 day'));
    expect(await verifyAll(fixture, tid)).toMatchObject({ signedTo: 3, wrong: 0 });
    // What waits says since when: not since another day, and not for a second time.
    for (const ago of [null, '1 hour']) {
      await tamper(fixture, since(ago));
      expect(await found(fixture, tid)).toEqual([['unsigned', 4]]);
    }
    // A node has the turn to seal.
    await tamper(fixture, since('1 day'));
    const other = sealerOf(fixture, { store: { ...trail, seal: () => Promise.resolve(false) } });
    await trail.take('a node', 60_000, 1, 3_600_000_000, [tid]);
    expect(await found(fixture, tid)).toEqual([['unsigned', 4]]);
    await trail.release('a node');
    await other.sealer.close();
    // Over an hour nothing was signed: nobody stopped just then.
    await tamper(fixture, {
      text: `update sekisho.audit_seal set sealed_at = sealed_at + interval '1 hour' where tid = $1 and seq = 5`,
      values: [tid],
    });
    expect(await found(fixture, tid)).toEqual([['unsigned', 4]]);
  });

  test('B14 ASVS 16.4.2 without the keys nothing was verified: taken away, garbled, or somebody’s own', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 4);
    const { trail } = fixture.record;
    const { signedToken } = await trail.state(tid);
    const [key] = await trail.keys();
    if (key === undefined || signedToken === null) throw new Error('nothing was signed');
    // Kept elsewhere, as sekisho audit checkpoint --json writes it.
    const kept = [{ tenant_id: tid, sequence: 4, token: signedToken }];
    const jwk = verifierOfJwk({ ...key.publicJwk, kid: key.kid, alg: key.alg });
    const keptKeys = (kid: string) => (kid === key.kid ? jwk : null);
    // As what is there is, but for one row and all hashes behind it; the checkpoints stay.
    const chain = await fixture.database.query({
      text: 'select signed_seq, signed_token from sekisho.audit_chain where tid = $1',
      values: [tid],
    });
    expect(chain).toBeDefined();
    const stored = await trail.checkpoints(tid, 0, 10);
    await rewriteChain(fixture, tid, changeRow(tid, ids[1]));
    await tamper(
      fixture,
      {
        text: 'update sekisho.audit_chain set signed_seq = 4, signed_token = $2, unsigned_since = null where tid = $1',
        values: [tid, signedToken],
      },
      ...stored.map(({ seq, token }) => ({
        text: 'insert into sekisho.audit_checkpoint values ($1, $2, $3, now())',
        values: [tid, seq, token],
      })),
    );
    expect(await found(fixture, tid)).toEqual([['rewritten', 4]]);

    const keys = await trailKeys(trail);
    const ofKeys = async (recorded: typeof keys.recorded, claims: typeof told.claims = []) =>
      kinds(
        await verifyTrail(tid, {
          store: trail,
          keys: { ours: () => null, recorded },
          kept: claims,
        }),
      ).map(([kind, seq]) => [kind, seq]);
    // The key is gone: neither the hourly nor the newest checkpoint can be verified.
    const told = await readKept(kept, { kept: keptKeys, ours: () => null });
    expect(told.problems).toEqual([]);
    expect(await ofKeys(() => null)).toEqual([
      ['unsigned', 4],
      ['unsigned', 4],
    ]);
    // It is there and opens no more: what it signed still names another hash, and vouches for nothing.
    expect(await ofKeys(keys.recorded)).toEqual([
      ['unsigned', 4],
      ['rewritten', 4],
    ]);
    // What was kept elsewhere is verified by what was kept with it.
    expect(await ofKeys(() => null, told.claims)).toContainEqual(['rewritten', 4]);
    // Kept without its key it proves nothing, and that is said.
    const alone = await readKept(kept, { kept: () => null, ours: () => null });
    expect(alone.claims).toEqual([]);
    expect(alone.problems).toMatchObject([{ kind: 'unsigned', tid, seq: 4 }]);
    const forged = kept.map((one) => ({ ...one, token: `${one.token.slice(0, -4)}AAAA` }));
    const judged = await readKept(forged, { kept: keptKeys, ours: keys.ours });
    expect(judged.problems).toMatchObject([{ kind: 'unsigned', tid, seq: 4 }]);

    // A key of somebody's own signs what they have made of it.
    const { head } = await trail.state(tid);
    const { purpose: _, ...own } = await makeSigningKey(others, 0, 'ES256', 'audit-key-sealing');
    const token = await signCheckpoint(openSigner(others, own, 'audit-key-sealing'), {
      ...{ kind: 'checkpoint', issuer: ISSUER, tid, seq: 4, atMs: Date.now() },
      hash: head?.hash ?? new Uint8Array(32),
    });
    const mine = verifierOfJwk({ ...own.publicJwk, kid: own.kid, alg: own.alg });
    await tamper(
      fixture,
      { text: 'delete from sekisho.audit_checkpoint where tid = $1', values: [tid] },
      {
        text: 'update sekisho.audit_chain set signed_token = $2 where tid = $1',
        values: [tid, token],
      },
    );
    const recorded = (kid: string) => (kid === own.kid ? mine : null);
    expect(await ofKeys(recorded)).toEqual([['unsigned', 4]]);
  });

  test('B14 checkpoints of a secret that was exchanged are no fault where one of ours covers them', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 2);
    const { trail } = fixture.record;
    await write(fixture, tid, 1);
    await sealAll(fixture);
    const state = await trail.state(tid);
    const [old] = await trail.checkpoints(tid, 0, 1);
    const { kid } = JSON.parse(
      Buffer.from(old?.token.split('.', 1)[0] ?? '', 'base64url').toString('utf8'),
    );
    const keys = await trailKeys(trail);
    const { purpose: _, ...next } = await makeSigningKey(others, 0, 'ES256', 'audit-key-sealing');
    const signer = openSigner(others, next, 'audit-key-sealing');
    const mine = verifierOfJwk({ ...next.publicJwk, kid: next.kid, alg: next.alg });
    const ours = (asked: string) => (asked === next.kid ? mine : null);
    const exchanged = { ours, recorded: keys.recorded };
    expect(keys.recorded(kid)).not.toBeNull();
    const verify = () => verifyTrail(tid, { store: trail, keys: exchanged });
    // Nothing of the new key yet: what only the old one has signed is not verified.
    expect(kinds(await verify()).map(([kind, seq]) => [kind, seq])).toEqual([
      ['unsigned', 2],
      ['unsigned', 3],
    ]);
    const { head } = state;
    if (head === null) throw new Error('nothing was sealed');
    const token = await signCheckpoint(signer, {
      ...{ kind: 'checkpoint', issuer: ISSUER, tid, ...head, atMs: Date.now() },
    });
    expect(await trail.seal([{ tid, was: head, seals: [], token }])).toBe(true);
    expect(await verify()).toMatchObject({ wrong: 0, unverifiable: 1, signedTo: 3 });
    await rewriteChain(fixture, tid, changeRow(tid, ids[0]));
    await tamper(fixture, {
      text: 'insert into sekisho.audit_checkpoint values ($1, 2, $2, now())',
      values: [tid, old?.token],
    });
    expect(kinds(await verify()).map(([kind]) => kind)).toContain('rewritten');
  });
}
