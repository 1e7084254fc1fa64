import { afterEach, describe, expect, it } from 'vitest';
import type { Acknowledgement, Hub, HubEvent } from '../../src/hub/contract.ts';
import type { Entry } from '../../src/revocation/types.ts';

/** A hub under test: nodes that share it, and nobody else. */
export interface HubUnderTest {
  /** Makes the hub of one more node; resolves when its messages arrive. */
  node(): Promise<Hub>;
  close(): Promise<void>;
}

/** What the tests announce; a hub that listens by generation enters this entry's. */
export const ENTRY: Entry = {
  generation: 'AAAAAAAAAAAAAAAAAAAAAA',
  position: 7,
  operationId: 'BBBBBBBBBBBBBBBBBBBBBA',
  scope: 'user',
  tid: 'CCCCCCCCCCCCCCCCCCCCCA',
  uid: 'DDDDDDDDDDDDDDDDDDDDDA',
  sid: null,
  sparedSid: 'EEEEEEEEEEEEEEEEEEEEEA',
};
const ACKNOWLEDGEMENT: Acknowledgement = {
  memberId: 'FFFFFFFFFFFFFFFFFFFFFA',
  generation: ENTRY.generation,
  position: 7,
};
const EVENT: HubEvent = {
  id: 'GGGGGGGGGGGGGGGGGGGGGA',
  tid: 'CCCCCCCCCCCCCCCCCCCCCA',
  type: 'session.revoked',
  at: '2026-01-02T03:04:05.678Z',
  subject: { uid: 'DDDDDDDDDDDDDDDDDDDDDA', sid: null },
  detail: { reason: 'logout' },
};

const WITHIN = { timeout: 60_000, interval: 10 };

/**
 * What every hub must do (src/hub/contract.ts), whatever carries its messages.
 *
 * @param carries `acknowledgements: false` for a hub that carries none: it has to say so.
 */
export function describeHub(
  name: string,
  make: () => Promise<HubUnderTest>,
  carries: { readonly acknowledgements: boolean } = { acknowledgements: true },
): void {
  describe(`hub: ${name}`, () => {
    const open: HubUnderTest[] = [];

    async function nodes(count: number): Promise<Hub[]> {
      const hub = await make();
      open.push(hub);
      const made: Hub[] = [];
      for (let index = 0; index < count; index += 1) made.push(await hub.node());
      return made;
    }

    afterEach(async () => {
      for (const hub of open.splice(0)) await hub.close();
    });

    it('B9 ANNOUNCE: an entry reaches every other node, whole, and not its own', async () => {
      const [a, b, c] = (await nodes(3)) as [Hub, Hub, Hub];
      const heard = { a: listenTo(a), b: listenTo(b), c: listenTo(c) };
      a.announce(ENTRY);
      await heard.b.until(1);
      await heard.c.until(1);
      expect(heard.b.entries).toEqual([ENTRY]);
      expect(heard.c.entries).toEqual([ENTRY]);
      await silence();
      expect(heard.a.entries).toEqual([]);
    });

    it('B9 an acknowledgement reaches every other node, or the hub says that none do', async () => {
      const [a, b] = (await nodes(2)) as [Hub, Hub];
      const heard = { a: listenTo(a), b: listenTo(b) };
      b.acknowledge(ACKNOWLEDGEMENT);
      await expect
        .poll(() => [a.acknowledging(), b.acknowledging()], WITHIN)
        .toEqual([carries.acknowledgements, carries.acknowledgements]);
      if (carries.acknowledgements) await heard.a.until(1);
      await silence();
      expect(heard.a.acknowledgements).toEqual(carries.acknowledgements ? [ACKNOWLEDGEMENT] : []);
      expect(heard.b.acknowledgements).toEqual([]);
    });

    it('B11 an event reaches every node, its own included', async () => {
      const [a, b] = (await nodes(2)) as [Hub, Hub];
      const heard = { a: listenTo(a), b: listenTo(b) };
      a.publish(EVENT);
      await heard.a.until(1);
      await heard.b.until(1);
      expect(heard.a.events).toEqual([EVENT]);
      expect(heard.b.events).toEqual([EVENT]);
    });

    it('A7 ANNOUNCE: a flood of events crowds out no announcement and no acknowledgement', async () => {
      const [a, b] = (await nodes(2)) as [Hub, Hub];
      const heard = listenTo(b);
      for (let n = 0; n < 5_000; n += 1) a.publish({ ...EVENT, type: 'login.failed' });
      a.announce(ENTRY);
      a.acknowledge(ACKNOWLEDGEMENT);
      const acknowledged = carries.acknowledgements ? [ACKNOWLEDGEMENT] : [];
      await expect
        .poll(() => [heard.entries, heard.acknowledgements], WITHIN)
        .toEqual([[ENTRY], acknowledged]);
      expect(heard.events.length).toBeGreaterThan(0);
    });

    it('LINEAGE: after a new generation was entered, its entries are heard', async () => {
      const [a, b] = (await nodes(2)) as [Hub, Hub];
      const next = { ...ENTRY, generation: 'HHHHHHHHHHHHHHHHHHHHHA', position: 8 };
      a.enter(next.generation);
      b.enter(next.generation);
      const heard = listenTo(b);
      // Whether it listens already is told by nobody: what is lost until then is mended from the record.
      await expect
        .poll(() => {
          a.announce(next);
          return heard.entries.length;
        }, WITHIN)
        .toBeGreaterThan(0);
      expect(heard.entries).toEqual(heard.entries.map(() => next));
    });

    it('no listener runs before the sending call has returned', async () => {
      const [a, b] = (await nodes(2)) as [Hub, Hub];
      const heard = { a: listenTo(a), b: listenTo(b) };
      a.announce(ENTRY);
      a.acknowledge(ACKNOWLEDGEMENT);
      a.publish(EVENT);
      expect([heard.a.count(), heard.b.count()]).toEqual([0, 0]);
      await heard.b.until(carries.acknowledgements ? 3 : 2);
    });

    it('a listener that throws keeps no other from hearing', async () => {
      const [a, b] = (await nodes(2)) as [Hub, Hub];
      b.onAnnouncement(() => {
        throw new Error('this listener fails');
      });
      const heard = listenTo(b);
      a.announce(ENTRY);
      await heard.until(1);
      a.announce({ ...ENTRY, position: 8 });
      await heard.until(2);
      expect(heard.entries.map((entry) => entry.position)).toEqual([7, 8]);
    });

    it('a listener that was removed hears no more', async () => {
      const [a, b] = (await nodes(2)) as [Hub, Hub];
      const entries: Entry[] = [];
      const remove = b.onAnnouncement((entry) => entries.push(entry));
      const heard = listenTo(b);
      remove();
      a.announce(ENTRY);
      await heard.until(1);
      expect(entries).toEqual([]);
    });

    it('works once it is open; closed, it hears nothing and its verbs do nothing', async () => {
      const [a, b] = (await nodes(2)) as [Hub, Hub];
      const heard = { a: listenTo(a), b: listenTo(b) };
      await expect.poll(() => a.working(), WITHIN).toBe(true);
      await b.close();
      await b.close();
      expect(b.working()).toBe(false);
      b.announce(ENTRY);
      b.acknowledge(ACKNOWLEDGEMENT);
      b.publish(EVENT);
      a.announce(ENTRY);
      a.publish(EVENT);
      await heard.a.until(1);
      await silence();
      expect(heard.a.count()).toBe(1);
      expect(heard.b.count()).toBe(0);
    });
  });
}

/** Everything that a node hears from now on. */
function listenTo(hub: Hub) {
  const heard = {
    entries: [] as Entry[],
    acknowledgements: [] as Acknowledgement[],
    events: [] as HubEvent[],
    count: () => heard.entries.length + heard.acknowledgements.length + heard.events.length,
    /** Resolves when `count` messages have come; rejects after a minute without. */
    async until(count: number): Promise<void> {
      for (let look = 0; heard.count() < count; look += 1) {
        if (look === 12_000) throw new Error(`only ${heard.count()} of ${count} messages came`);
        await pause(5);
      }
    },
  };
  hub.onAnnouncement((entry) => heard.entries.push(entry));
  hub.onAcknowledgement((acknowledgement) => heard.acknowledgements.push(acknowledgement));
  hub.onEvent((event) => heard.events.push(event));
  return heard;
}

/** Long enough for a message that should not come to come. */
function silence(): Promise<void> {
  return pause(50);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
