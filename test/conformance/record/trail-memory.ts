import { expect, test } from 'vitest';
import { prune } from '../../../src/audit/keeping.ts';
import { judgeWitness, type WitnessedPlace, witnessedIn } from '../../../src/audit/witness.ts';
import type { Clock } from '../../../src/clock.ts';
import { createLevels } from '../../../src/observe/levels.ts';
import type { SqlCall } from '../../../src/record/database.ts';
import { type CheckpointClaims, signCheckpoint } from '../../../src/token/checkpoint.ts';
import { createKeyRing } from '../../../src/token/secrets.ts';
import { makeSigningKey, openSigner } from '../../../src/token/signing-key.ts';
import type { RecordFixture } from '../../support/seed.ts';
import {
  ISSUER,
  keeperParts,
  keepingLog,
  restless,
  rewriteChain,
  sealAll,
  sealedTenant,
  sealerOf,
  tamper,
  verifyAll,
  write,
} from '../../support/trail.ts';

const DAY_MS = 86_400_000;

/** A node that has sealed the trails of two tenants, and what it logs. Its clock can be put on. */
async function startNode(fixture: RecordFixture, rows: number) {
  const { log, lines } = keepingLog();
  let ahead = 0;
  const clock: Clock = { ...restless, monotonicMs: () => performance.now() + ahead };
  const { sealer } = sealerOf(fixture, { log, clock });
  const [mine, other] = [await sealedTenant(fixture, 1), await sealedTenant(fixture, 1)];
  for (const { tid } of [mine, other]) await write(fixture, tid, rows - 1);
  await sealer.now();
  return {
    ...{ sealer, tid: mine.tid, other: other.tid },
    said: () => lines.map((line) => JSON.parse(line)),
    lines: () => [...lines],
    forget: () => lines.splice(0),
    wait: (ms: number) => {
      ahead += ms;
    },
  };
}

const dropRow = (seq: number, tid: string): SqlCall => ({
  text: `delete from sekisho.audit a using sekisho.audit_seal s
    where s.tid = $1 and s.seq = $2 and a.tid = s.tid and a.id = s.id`,
  values: [tid, seq],
});

const placesOf = (lines: readonly string[], tid: string): readonly WitnessedPlace[] =>
  lines.flatMap((line) => witnessedIn(line) ?? []).filter((place) => place.tid === tid);

/** What a node remembers of the chains that it sealed, and what a log that is kept elsewhere says of them. */
export function memoryTests(opened: () => RecordFixture): void {
  test('B14 ASVS 16.4.2 a chain that was shortened and rewritten as a whole is neither sealed nor signed by the node that knows it', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 5);
    const { head } = await fixture.record.trail.state(node.tid);
    await rewriteChain(fixture, node.tid, dropRow(5, node.tid));
    // Nothing in the record tells of it.
    expect((await verifyAll(fixture, node.tid)).wrong).toBe(0);
    for (const tid of [node.tid, node.other]) await write(fixture, tid, 1);
    node.forget();
    await node.sealer.run();
    const state = await fixture.record.trail.state(node.tid);
    expect(state).toMatchObject({ head: { seq: 4 }, waiting: 1, signedToken: null });
    const sha256 = (hash: Uint8Array | undefined) => Buffer.from(hash ?? []).toString('base64url');
    expect(node.said().filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({
        tenant_id: node.tid,
        sealed: { seq: 5, sha256: sha256(head?.hash) },
        found: { seq: 4, sha256: sha256(state.head?.hash) },
        msg: expect.stringContaining('is not what this node has sealed'),
      }),
    ]);
    expect(node.sealer.status()).toMatchObject({ contradicted: 1, contradictions: 1 });
    // Other tenants go on.
    expect(await verifyAll(fixture, node.other)).toMatchObject({ rows: 6, unsealed: 0, wrong: 0 });
    // Nor on demand, nor later.
    await node.sealer.now();
    node.wait(61_000);
    await node.sealer.run();
    expect(await fixture.record.trail.state(node.tid)).toMatchObject({ head: { seq: 4 } });
    expect(node.sealer.status()).toMatchObject({ contradicted: 1, contradictions: 2 });
    await node.sealer.close();
  });

  test('B14 ASVS 16.4.2 a chain of the same length with other hashes gets no signature', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 3);
    await rewriteChain(fixture, node.tid, {
      text: `update sekisho.audit set outcome = 'failure' where tid = $1`,
      values: [node.tid],
    });
    await node.sealer.now();
    const { head, signedToken } = await fixture.record.trail.state(node.tid);
    expect([head?.seq, signedToken]).toEqual([3, null]);
    expect(node.sealer.status()).toMatchObject({ contradicted: 1 });
    await node.sealer.close();
  });

  test('B14 ASVS 16.4.2 a rewritten chain that another node has sealed on is found at the place that is remembered', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 4);
    await rewriteChain(fixture, node.tid, dropRow(2, node.tid));
    await write(fixture, node.tid, 3);
    // One that has just started knows of nothing.
    await sealAll(fixture);
    expect(await fixture.record.trail.state(node.tid)).toMatchObject({ head: { seq: 6 } });
    await write(fixture, node.tid, 1);
    await node.sealer.run();
    expect(await fixture.record.trail.state(node.tid)).toMatchObject({ head: { seq: 6 } });
    expect(node.said().find(({ level }) => level === 'error')).toMatchObject({
      ...{ tenant_id: node.tid, sealed: { seq: 4 }, found: { seq: 4 } },
    });
    await node.sealer.close();
  });

  test('B14 what another node sealed, and what a key of ours pruned, is no contradiction', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 4);
    await write(fixture, node.tid, 2);
    await sealAll(fixture);
    await write(fixture, node.tid, 1);
    await node.sealer.now();
    await write(fixture, node.tid, 2);
    await sealAll(fixture);
    await prune(keeperParts(fixture), node.tid, Date.now() + DAY_MS);
    expect(await fixture.record.trail.state(node.tid)).toMatchObject({ base: { seq: 9 } });
    await write(fixture, node.tid, 1);
    await node.sealer.now();
    expect(node.sealer.status()).toMatchObject({ contradicted: 0, contradictions: 0 });
    expect(await verifyAll(fixture, node.tid)).toMatchObject({ from: 10, to: 10, wrong: 0 });
    await node.sealer.close();
  });

  test('B14 ASVS 16.4.2 what only says that it was pruned, without a signature of ours, is a contradiction', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 4);
    await write(fixture, node.tid, 2);
    await sealAll(fixture);
    await tamper(
      fixture,
      {
        text: `update sekisho.audit_chain set base_seq = seq, base_hash = hash, base_token = signed_token where tid = $1`,
        values: [node.tid],
      },
      ...['audit', 'audit_seal'].map((table) => ({
        text: `delete from sekisho.${table} where tid = $1`,
        values: [node.tid],
      })),
    );
    await write(fixture, node.tid, 1);
    await node.sealer.run();
    expect(node.sealer.status()).toMatchObject({ contradicted: 1 });
    expect(node.said().find(({ level }) => level === 'error')).toMatchObject({
      ...{ tenant_id: node.tid, sealed: { seq: 4 }, found: null },
    });
    await node.sealer.close();
  });

  test('B14 ASVS 16.4.2 what an operator has accepted since is gone on with; what was accepted before, of another trail, or by nobody’s key is not', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 4);
    const { trail } = fixture.record;
    const first = (await trail.sealed(node.tid, 0, 1))[0];
    if (first === undefined) throw new Error('nothing was sealed');
    await rewriteChain(fixture, node.tid, dropRow(4, node.tid));
    const { head } = await trail.state(node.tid);
    if (head === null) throw new Error('nothing is left');
    await write(fixture, node.tid, 1);
    const ours = await sealerOf(fixture).signing.signer();
    const ring = createKeyRing('another secret of the tests of thirty-two bytes and more');
    const { purpose: _, ...own } = await makeSigningKey(ring, 0, 'ES256', 'audit-key-sealing');
    const theirs = openSigner(ring, own, 'audit-key-sealing');
    const later = Date.now() + 1_000;
    const claims = {
      kind: 'accepted',
      issuer: ISSUER,
      tid: node.tid,
      ...head,
      atMs: later,
    } as const;
    const looked = async (signer: typeof ours, more: Partial<CheckpointClaims>) => {
      const token = await signCheckpoint(signer, { ...claims, ...more });
      expect(await trail.accept(node.tid, head, token, [])).toBe(true);
      node.wait(61_000);
      await node.sealer.run();
      return node.sealer.status().contradicted;
    };
    for (const more of [
      ...[{ kind: 'checkpoint' }, { kind: 'pruned' }, { tid: node.other }],
      ...[{ atMs: Date.now() - 60_000 }, { hash: first.hash }, { seq: head.seq + 5 }],
    ] as const) {
      expect([more, await looked(ours, more)]).toEqual([more, 1]);
    }
    expect(await looked(theirs, {})).toBe(1);
    expect(await looked(ours, {})).toBe(0);
    expect(node.said().at(-1)).toMatchObject({ tenant_id: node.tid });
    expect(await trail.state(node.tid)).toMatchObject({ waiting: 0, head: { seq: 4 } });
    // Nobody accepts what stands elsewhere by now.
    expect(await trail.accept(node.tid, head, 'x', [])).toBe(false);
    await node.sealer.close();
  });

  test('B14 a trail that is again what it was is sealed on, a minute later at most', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 3);
    const { head } = await fixture.record.trail.state(node.tid);
    const hash = head && Buffer.from(head.hash);
    const put = (seq: number, value: unknown) =>
      tamper(fixture, {
        text: 'update sekisho.audit_chain set seq = $2, hash = coalesce($3, hash) where tid = $1',
        values: [node.tid, seq, value],
      });
    await put(2, null);
    await write(fixture, node.tid, 1);
    await node.sealer.run();
    expect(node.sealer.status()).toMatchObject({ contradicted: 1 });
    await put(3, hash);
    await node.sealer.run();
    expect(await fixture.record.trail.state(node.tid)).toMatchObject({ head: { seq: 3 } });
    node.wait(61_000);
    await node.sealer.run();
    expect(await verifyAll(fixture, node.tid)).toMatchObject({ rows: 4, unsealed: 0, wrong: 0 });
    expect(node.sealer.status()).toMatchObject({ contradicted: 0, contradictions: 1 });
    await node.sealer.close();
  });

  test('B14 ASVS 16.2.5 every checkpoint is a line of the log, without a token, and the log is a witness', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 4);
    const { trail } = fixture.record;
    await write(fixture, node.tid, 1);
    await node.sealer.now();
    const lines = node.lines();
    const said = placesOf(lines, node.tid);
    expect(said.map(({ seq }) => seq)).toEqual([4, 5]);
    const { signedToken } = await trail.state(node.tid);
    const text = lines.join('');
    for (const part of (signedToken ?? '').split('.')) expect(text).not.toContain(part);
    const line = node.said().findLast(({ tenant_id }) => tenant_id === node.tid);
    expect(line).toMatchObject({ level: 'info', seq: 5, key_id: expect.any(String) });

    const judged = async () => judgeWitness(said, await trail.places(said));
    expect(await judged()).toEqual({ agreeing: 2, pruned: 0, problems: [] });
    await prune(keeperParts(fixture), node.tid, Date.now() + DAY_MS);
    expect(await judged()).toEqual({ agreeing: 1, pruned: 1, problems: [] });
    await node.sealer.close();
  });

  test('B14 A8 ASVS 16.4.2 a level that the record decides on silences neither checkpoints nor contradictions', async () => {
    const fixture = opened();
    const { log, lines } = keepingLog();
    const { sealer } = sealerOf(fixture, { log });
    const { tid } = await sealedTenant(fixture, 1);
    const levels = createLevels(log);
    levels.override('silent');
    log.error({}, 'of this nothing is written');
    await write(fixture, tid, 1);
    await sealer.now();
    expect(placesOf(lines, tid).map(({ seq }) => seq)).toEqual([2]);
    await rewriteChain(fixture, tid, dropRow(2, tid));
    await write(fixture, tid, 1);
    await sealer.run();
    await sealer.close();
    expect(lines.join('')).toMatch(/"level":"error".*is not what this node has sealed/);
    expect(lines.join('')).not.toContain('nothing is written');
    // What was set for the process holds.
    levels.set('silent');
    expect([log.level, log.steady.level]).toEqual(['silent', 'silent']);
    levels.override('trace');
    expect([log.level, log.steady.level]).toEqual(['trace', 'silent']);
  });

  test('B14 ASVS 16.4.2 a log names the places that a rewritten, shortened or removed chain contradicts, whoever has signed it since', async () => {
    const fixture = opened();
    const node = await startNode(fixture, 4);
    const { trail } = fixture.record;
    await write(fixture, node.tid, 1);
    await node.sealer.now();
    await node.sealer.close();
    const said = placesOf(node.lines(), node.tid);
    const judged = async () =>
      judgeWitness(said, await trail.places(said)).problems.map(({ kind, seq, detail }) => [
        ...[kind, seq, detail],
      ]);
    await rewriteChain(fixture, node.tid, dropRow(5, node.tid));
    await sealAll(fixture);
    // Signed anew by a node that has just started: only the log tells.
    expect((await verifyAll(fixture, node.tid)).wrong).toBe(0);
    const ends = 'the log tells of it, and the chain ends at 4';
    const other = 'the log has another hash here';
    expect(await judged()).toEqual([
      // The salts of the rewritten chain are others, so its hashes are.
      ['rewritten', 4, other],
      ['removed', 5, ends],
    ]);
    await tamper(fixture, {
      text: 'delete from sekisho.audit_chain where tid = $1',
      values: [node.tid],
    });
    expect((await judged()).at(-1)).toEqual([
      ...['removed', 5, 'the log tells of it, and the chain ends at 0'],
    ]);
  });
}
