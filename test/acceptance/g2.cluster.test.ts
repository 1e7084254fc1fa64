import { expect, test } from 'vitest';
import type { SocketFact } from '../../tools/cluster/history.mjs';
import { answers, eventually, underLoad } from '../support/cluster.ts';

test('G2 B3 B7 an administrator revokes a user: every node answers 401 at once, sockets are cut', async () => {
  await underLoad(
    'G2',
    async (scene) => {
      const { load, nodes, yuki } = scene;
      // Once through each node, so that no node learns it only as the one that was asked.
      for (const node of nodes) {
        const devices = [await load.login(yuki), await load.login(yuki)];
        const sockets: SocketFact[] = [];
        for (const target of nodes) {
          const socket = devices[0] ? await load.openSocket(devices[0], target, node) : null;
          if (socket === null) throw new Error('no ticket was given out');
          sockets.push(socket.fact);
        }
        await eventually('sockets are open', () =>
          sockets.every(({ openedMs, closedMs }) => openedMs !== null && closedMs === null),
        );
        const revocation = await load.revoker.user(yuki, { node });
        expect(revocation.outcome).toBe('everywhere');
        for (const device of devices) {
          if (device === null) throw new Error('a device could not log in');
          expect(await answers(scene, device)).toEqual(Array(3).fill([401, 'session_revoked']));
          expect(await load.refresh(device)).toMatchObject({
            status: 401,
            code: 'session_revoked',
          });
        }
      }
    },
    { check: { uninterrupted: true } },
  );
});
