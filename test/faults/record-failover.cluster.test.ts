import { expect, test } from 'vitest';
import { withClient } from '../../tools/services/postgres-clients.mjs';
import { type PostgresPair, startPostgresPair } from '../../tools/services/postgres-pair.mjs';
import { eventually, type Scene, underLoad } from '../support/cluster.ts';
import { allReady, generations, known, say, wholeAgain } from '../support/record-faults.ts';
import { handIns, judgedWith, Loss } from '../support/record-losses.ts';

/** Shorter than FIRST TERM, so that a call in it can only say `pending`. */
const WAIT_MS = 2000;
/** Where nothing is broken, a busy machine gets everywhere in time. */
const PATIENT_MS = 15_000;

/** From now on a commit is acknowledged only when the standby has it. */
async function makeSynchronous({ primary }: PostgresPair): Promise<void> {
  await withClient(primary.superuserUrl, async (client) => {
    await client.query("alter system set synchronous_standby_names = '*'");
    await client.query('select pg_reload_conf()');
    await eventually('commits wait for the standby', async () => {
      const { rows } = await client.query('select from pg_stat_replication where sync_state = $1', [
        'sync',
      ]);
      return rows.length === 1;
    });
  });
}

/** A generation begins, and every node is in it and may answer. */
async function goesOn(scene: Scene, generationsBefore: number): Promise<void> {
  await eventually(
    'a generation begins',
    async () => (await generations(scene)) > generationsBefore,
  );
  await allReady(scene.nodes);
}

test('B9 HAND IN FIRST TERM failover to an asynchronous standby: what nodes hold is handed in; to a synchronous one: nothing is lost', async () => {
  const pair = await startPostgresPair({ synchronous: false });
  const losses: Loss[] = [];
  try {
    const summary = await underLoad(
      'failover of PostgreSQL',
      async (scene) => {
        const { load, nodes, cluster, yuki } = scene;
        const [, kai, ida] = cluster.people;
        if (kai === undefined || ida === undefined) throw new Error('too few people');
        await wholeAgain(scene, yuki);

        // Asynchronous: the standby gets nothing more, then takes over. What was everywhere is lost with the rest.
        const first = await generations(scene);
        await pair.caughtUp();
        const loss = new Loss(load.history);
        losses.push(loss);
        const lost = await pair.lostEnd(async () => [
          await load.revoker.user(kai, { waitMs: PATIENT_MS }),
          await load.login(ida).then(() => load.revoker.user(yuki, { waitMs: PATIENT_MS })),
        ]);
        loss.endsMs = performance.now();
        await loss.untilHandedIn(scene, nodes, nodes, 0);
        say(`asynchronous failover: ${loss.describe()}`);
        // Every node holds what was everywhere, so none forgets it for a moment.
        expect(loss.acceptedUntilHandIn()).toBe(0);
        expect(lost.map(({ firstOutcome }) => firstOutcome)).toEqual(['everywhere', 'everywhere']);
        await goesOn(scene, first);
        const inFirstTerm = await load.revoker.user(kai);
        expect(inFirstTerm.firstOutcome).toBe('pending');

        // Synchronous: whatever was acknowledged is there.
        await pair.follow();
        await makeSynchronous(pair);
        const second = await generations(scene);
        const device = await load.login(ida);
        const acknowledged = await load.revoker.user(kai);
        // Making a standby may take longer than the first term.
        expect(['pending', 'everywhere']).toContain(acknowledged.firstOutcome);
        const during = load.revoker.user(yuki);
        await pair.failover();
        await goesOn(scene, second);
        if (device === null) throw new Error('nobody could log in');
        for (const node of nodes) expect((await load.check(device, node)).status).toBe(200);
        for (const node of nodes) {
          await eventually(
            'a refresh is answered',
            async () => (await load.refresh(device, node))?.status === 200,
          );
        }
        for (const node of nodes) expect(await handIns(node)).toBe(1);
        await known(await during);
        expect((await known(inFirstTerm)).outcome).toBe('everywhere');
        expect((await known(acknowledged)).outcome).toBe('everywhere');
        await wholeAgain(scene, yuki);
      },
      {
        cluster: { postgres: { url: pair.url }, env: {}, proxied: true },
        load: { waitMs: WAIT_MS },
        check: judgedWith(losses),
      },
    );
    expect(summary.pending).toBeGreaterThanOrEqual(1);
  } finally {
    await pair.stop();
  }
});
