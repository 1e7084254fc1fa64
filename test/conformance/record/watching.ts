import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { RecordFixture } from '../../support/seed.ts';

/** What operators see of the members, and settings that a deployment changes. */
export function watchingSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`members as operators see them on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    test('B11 what a heartbeat reports, how long ago it came, and the head, in one statement', async () => {
      const { members, log } = fixture.record;
      const id = newId();
      const own = { id, leaseMs: 750, toleranceMs: 10_000, version: 1, address: 'http://x:1' };
      await members.join(own);
      const { head } = await log.head();
      expect(await members.watch()).toEqual({
        head,
        members: [
          {
            ...own,
            ...{ beat: 0, generation: null, applied: 0, joinedAtMs: expect.any(Number) },
            ...{ report: null, beatAgeMs: null },
          },
        ],
      });
      const report = { lastHeartbeatMs: 1.5, hub: 'redis', hubWorking: false };
      await members.heartbeat(id, head.generation, head.position, report);
      const before = fixture.record.statementCount();
      const [seen] = (await members.watch()).members;
      expect(fixture.record.statementCount() - before).toBe(1);
      expect(seen).toMatchObject({ beat: 1, generation: head.generation, report });
      expect(seen?.beatAgeMs).toBeGreaterThanOrEqual(0);
      await members.heartbeat(id, head.generation, head.position);
      expect((await members.watch()).members[0]?.report).toBeNull();
      await members.leave(id);
      expect((await members.watch()).members).toEqual([]);
    });

    test('the age of a heartbeat grows, and a listing for a barrier does not make it young again', async () => {
      const { members, log } = fixture.record;
      const id = newId();
      await members.join({ id, leaseMs: 750, toleranceMs: 0, version: 1, address: null });
      const { head } = await log.head();
      await members.heartbeat(id, head.generation, head.position);
      const ageMs = async () => (await members.watch()).members[0]?.beatAgeMs ?? 0;
      const first = await ageMs();
      await members.listForBarrier(id);
      expect(await ageMs()).toBeGreaterThan(first);
      await members.leave(id);
    });

    test('a setting is replaced where what was expected still stands, by one of those who try', async () => {
      const { keys } = fixture.record;
      expect(await keys.setting('colour', 'red')).toBe('red');
      expect(await keys.replaceSetting('colour', 'blue', 'green')).toBe('red');
      const tries = ['green', 'white', 'black'];
      const found = await Promise.all(
        tries.map((colour) => keys.replaceSetting('colour', 'red', colour)),
      );
      expect(new Set(found).size).toBe(1);
      expect(tries).toContain(found[0]);
      expect(await keys.setting('colour', 'red')).toBe(found[0]);
    });
  });
}
