import { expect, test } from 'vitest';
import { answers, underLoad } from '../support/cluster.ts';

test('G3 A15 B7 a revoked user logs in again: only tokens of the new epoch work, on every node', async () => {
  await underLoad('G3', async (scene) => {
    const { load, nodes, yuki } = scene;
    const before = await load.login(yuki);
    const revocation = await load.revoker.user(yuki);
    expect(revocation.outcome).toBe('everywhere');
    const position = revocation.position ?? Number.NaN;
    for (const node of nodes) {
      const after = await load.login(yuki, node);
      if (before === null || after === null) throw new Error('a device could not log in');
      expect(before.session.epoch).toBeLessThan(position);
      expect(after.session.epoch).toBeGreaterThanOrEqual(position);
      expect(await answers(scene, after)).toEqual(Array(3).fill([200, null]));
      expect(await answers(scene, before)).toEqual(Array(3).fill([401, 'session_revoked']));
      // A refreshed token keeps the epoch of its session, and lives on.
      expect((await load.refresh(after))?.status).toBe(200);
      expect(await answers(scene, after)).toEqual(Array(3).fill([200, null]));
      expect(await load.refresh(before)).toMatchObject({ status: 401 });
    }
  });
});
