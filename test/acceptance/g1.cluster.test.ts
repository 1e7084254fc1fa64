import { expect, test } from 'vitest';
import { answers, underLoad } from '../support/cluster.ts';

test('G1 B2 a user is logged in on a PC and a phone: every node authenticates both', async () => {
  await underLoad('G1', async (scene) => {
    const { load, nodes, yuki } = scene;
    const pc = await load.login(yuki, nodes[0]);
    const phone = await load.login(yuki, nodes[1]);
    if (pc === null || phone === null) throw new Error('one of the devices could not log in');
    expect(pc.session.sid).not.toBe(phone.session.sid);
    for (const device of [pc, phone]) {
      expect(await answers(scene, device)).toEqual(Array(3).fill([200, null]));
    }
    // Who it is, as the nodes that did not log it in see it.
    for (const device of [pc, phone]) {
      for (const node of nodes) {
        const { body } = await load.check(device, node, { kind: 'session' });
        expect(body).toMatchObject({ user: { id: yuki.uid }, session: { id: device.session.sid } });
      }
    }
  });
});
