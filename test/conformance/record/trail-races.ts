import { expect, test } from 'vitest';
import type { TrailStore } from '../../../src/record/trail-contract.ts';
import { type RecordFixture, seedTenant } from '../../support/seed.ts';
import {
  keepingLog,
  sealAll,
  sealedTenant,
  sealerOf,
  tamper,
  verifyAll,
  write,
} from '../../support/trail.ts';

/** More races in a row than a sealer loses before it looks at what it was refused, chain by chain. */
const RACES = 12;

/** A gate: who waits for `opened` goes on once `open` was called. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/**
 * A store that loses its user every race for a while: a row comes before they take, and whatever they have taken is sealed by
 * somebody else before they seal it.
 */
function losing(fixture: RecordFixture, tids: readonly string[], races: number) {
  const { trail } = fixture.record;
  let left = races;
  let lost = 0;
  const store: TrailStore = {
    ...trail,
    async take(...args) {
      if (left > 0) for (const tid of tids) await write(fixture, tid, 1);
      return trail.take(...args);
    },
    async seal(moves) {
      if (left > 0) {
        left -= 1;
        await sealAll(fixture);
      }
      const isSealed = await trail.seal(moves);
      if (!isSealed) lost += 1;
      return isSealed;
    },
  };
  return { store, lost: () => lost };
}

/** Two sealers at once: a node and a command, two nodes, or what one process is asked for twice. */
export function racesTests(opened: () => RecordFixture): void {
  test.each(['run', 'now'] as const)(
    'B14 two sealers at once: %s that loses every race finds no fault, and goes on until everything is sealed',
    async (how) => {
      const fixture = opened();
      const [{ tid: begun }, { tid: fresh }] = [
        await sealedTenant(fixture, 1),
        await seedTenant(fixture),
      ];
      const { log, lines } = keepingLog();
      const { store, lost } = losing(fixture, [begun, fresh], RACES);
      const { sealer } = sealerOf(fixture, { store, log });
      const came = await sealer[how]();
      if (how === 'now') expect(came).toEqual({ left: [] });
      expect(lost()).toBeGreaterThan(RACES / 2);
      expect(lines.filter((line) => JSON.parse(line).level !== 'info')).toEqual([]);
      expect(sealer.status()).toMatchObject({ failures: 0, contradicted: 0, contradictions: 0 });
      for (const tid of [begun, fresh]) {
        expect(await verifyAll(fixture, tid)).toMatchObject({ unsealed: 0, wrong: 0 });
      }
      await sealer.close();
    },
  );

  test('B14 a race that is lost while it is looked at chain by chain is no fault', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 1);
    await write(fixture, tid, 1);
    const { trail } = fixture.record;
    let refused = 0;
    const store: TrailStore = {
      ...trail,
      async seal(moves) {
        refused += 1;
        // As if others had been quicker, which they are only when it is looked at why.
        if (refused <= 5) return false;
        await sealAll(fixture);
        return trail.seal(moves);
      },
    };
    const { log, lines } = keepingLog();
    const { sealer } = sealerOf(fixture, { store, log });
    expect(await sealer.now()).toEqual({ left: [] });
    expect(refused).toBeGreaterThan(5);
    expect(sealer.status()).toMatchObject({ failures: 0 });
    expect(lines.filter((line) => JSON.parse(line).level !== 'info')).toEqual([]);
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 2, unsealed: 0, wrong: 0 });
    await sealer.close();
  });

  test('B14 what is asked of one process twice is done in turn', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 1);
    await write(fixture, tid, 600);
    const { trail } = fixture.record;
    const [held, asked] = [gate(), gate()];
    let taken = 0;
    const store: TrailStore = {
      ...trail,
      async take(...args) {
        taken += 1;
        const rows = await trail.take(...args);
        asked.open();
        if (taken === 1) await held.opened;
        return rows;
      },
    };
    const { log, lines } = keepingLog();
    const { sealer } = sealerOf(fixture, { store, log });
    const run = sealer.run();
    await asked.opened;
    const now = [sealer.now(), sealer.now()];
    // Time enough for whoever does not wait.
    await trail.state(tid);
    expect(taken).toBe(1);
    held.open();
    expect(await Promise.all(now)).toEqual([{ left: [] }, { left: [] }]);
    await run;
    expect(sealer.status()).toMatchObject({ sealed: 600, failures: 0, contradictions: 0 });
    expect(lines.filter((line) => JSON.parse(line).level !== 'info')).toEqual([]);
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 601, unsealed: 0, wrong: 0 });
    await sealer.close();
  });

  test('B14 sealing on demand names the trails that it leaves alone, and fails where it cannot end', async () => {
    const fixture = opened();
    const { trail } = fixture.record;
    const [broken, whole] = [await sealedTenant(fixture, 2), await sealedTenant(fixture, 2)];
    await tamper(fixture, {
      text: `insert into sekisho.audit_seal (tid, seq, id, hash, sealed_at)
        values ($1, 3, 'x', decode(repeat('ab', 32), 'hex'), now())`,
      values: [broken.tid],
    });
    for (const { tid } of [broken, whole]) await write(fixture, tid, 1);
    const { log, lines } = keepingLog();
    const { sealer } = sealerOf(fixture, { log });
    expect(await sealer.now()).toEqual({ left: [broken.tid] });
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({
        ...{ level: 'error', tenant_id: broken.tid },
        msg: expect.stringContaining('cannot be sealed'),
      }),
    );
    expect(sealer.status()).toMatchObject({ failures: 1 });
    expect(await verifyAll(fixture, whole.tid)).toMatchObject({ rows: 3, unsealed: 0, wrong: 0 });
    await sealer.close();
    await expect(sealer.now()).rejects.toMatchObject({ code: 'not_ready' });
    const held: TrailStore['take'] = async () => ({
      ...{ kind: 'held', holder: 'another', waiting: 1, oldestMs: null },
    });
    const idle = sealerOf(fixture, { store: { ...trail, take: held } });
    await expect(idle.sealer.now()).rejects.toMatchObject({ code: 'not_ready' });
    await idle.sealer.close();
    await tamper(fixture, {
      text: 'delete from sekisho.audit_unsealed where tid = $1',
      values: [broken.tid],
    });
  });
}
