import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runCommand } from '../../tools/cluster/command.mjs';
import type { Reply } from '../../tools/cluster/http.mjs';
import { type Postgres, type Snapshot, startPostgres } from '../../tools/services/postgres.mjs';
import { answers, type Scene, underLoad } from '../support/cluster.ts';
import { LONG } from '../support/long.ts';
import { allReady, known, say, wholeAgain } from '../support/record-faults.ts';
import { judgedWith, Loss } from '../support/record-losses.ts';

/** Shorter than FIRST TERM, so that a call in it can only say `pending`. */
const WAIT_MS = 2000;
/** Where nothing is broken, a busy machine gets everywhere in time. */
const PATIENT_MS = 15_000;
/** How far the database is put back, beside what the case takes: nothing in it depends on that. */
const AGO_MS = LONG ? 120_000 : 1000;

/** What an operator's command printed, as an answer. */
function printed(text: string, effective?: 'everywhere'): Reply {
  const said = JSON.parse(text);
  const revocation = { ...said.revocation, ...(effective && { effective }) };
  const nowMs = performance.now();
  return {
    ...{ status: 200, code: null, headers: {}, body: { revocation } },
    ...{ beginMs: nowMs, endMs: nowMs },
  };
}

/**
 * The database is put back, and nobody says so. One node runs on, and reaches it after the others, which have been started
 * anew, serve: until then they know nothing of what was lost.
 */
async function putBackUndeclared(scene: Scene, server: Postgres, losses: Loss[]): Promise<void> {
  const { cluster, load, nodes, yuki } = scene;
  const [, kai, ida] = cluster.people;
  const [holder, ...others] = nodes;
  if (!kai || !ida || !holder) throw new Error('too few people or nodes');
  const [revoked, kept] = [await load.login(kai), await load.login(ida)];
  if (revoked === null || kept === null) throw new Error('nobody could log in');
  const { newest: token } = revoked;
  const { newest: keptToken } = kept;
  const loss = new Loss(load.history);
  const snapshot = await server.snapshotDataDirectory();
  await sleep(AGO_MS);
  for (const person of [kai, yuki]) {
    const revocation = await load.revoker.user(person, { waitMs: PATIENT_MS });
    expect(revocation.firstOutcome).toBe('everywhere');
  }
  await load.login(ida);
  for (const node of nodes) expect((await load.check(revoked, node, { token })).status).toBe(401);

  await Promise.all(others.map((node) => node.stop()));
  cluster.proxies(holder).postgres.setMode({ kind: 'blackhole' });
  await server.putBack(snapshot);
  loss.endsMs = performance.now();
  losses.push(loss);
  await Promise.all(others.map((node) => node.start()));
  // They cannot know: what was everywhere is in nobody's record now, and its only holder is cut off.
  for (const node of others) expect((await load.check(revoked, node, { token })).status).toBe(200);
  expect((await load.check(revoked, holder, { token })).status).toBe(401);

  cluster.proxies(holder).postgres.setMode({ kind: 'pass' });
  await loss.untilHandedIn(scene, [holder], nodes, 0);
  say(`put back, undeclared: ${loss.describe()}`);
  expect(loss.acceptedUntilHandIn()).toBeGreaterThan(0);
  for (const node of nodes) {
    const { status, code } = await load.check(revoked, node, { token });
    expect([status, code]).toEqual([401, 'session_revoked']);
  }
  await allReady(nodes);
  // What was minted on the common part is good.
  for (const node of nodes) {
    expect((await load.check(kept, node, { token: keptToken })).status).toBe(200);
  }
}

/** The database is put back by more while all nodes run, and the operator says so: everything older is out. */
async function putBackDeclared(scene: Scene, server: Postgres, snapshot: Snapshot): Promise<void> {
  const { cluster, load, nodes, yuki } = scene;
  const [, , ida] = cluster.people;
  const older = ida && (await load.login(ida));
  if (!older) throw new Error('nobody could log in');
  const all = load.history.revocation({ scope: 'all', node: 'operator' });
  await server.putBack(snapshot);
  const said = await runCommand(['ops', 'restored', '--yes', '--wait', '0', '--json'], cluster.env);
  load.history.answered(all, printed(said));
  expect(all.firstOutcome).toBe('pending');
  await allReady(nodes);

  // What comes later in the log is everywhere only where this is, too.
  const later = await load.revoker.user(yuki);
  expect((await known(later)).outcome).toBe('everywhere');
  expect(later.position).toBeGreaterThan(all.position ?? Number.POSITIVE_INFINITY);
  load.history.answered(all, printed(said, 'everywhere'));
  for (const [status] of await answers(scene, older)) expect(status).toBe(401);
  expect((await load.refresh(older))?.status).toBe(401);

  const again = await load.login(ida);
  if (again === null) throw new Error('nobody could log in again');
  expect(await answers(scene, again)).toEqual(nodes.map(() => [200, null]));
}

test('B9 HAND IN RESTORE the database is put back, undeclared: who holds the lost entries hands them in; declared: everything older is out', async () => {
  const server = await startPostgres();
  const losses: Loss[] = [];
  try {
    const summary = await underLoad(
      'PostgreSQL put back',
      async (scene) => {
        const { load, yuki, cluster } = scene;
        const [, kai] = cluster.people;
        if (kai === undefined) throw new Error('too few people');
        await wholeAgain(scene, yuki);
        const older = await server.snapshotDataDirectory();
        await sleep(AGO_MS);
        const revocation = await load.revoker.user(kai, { waitMs: PATIENT_MS });
        expect(revocation.firstOutcome).toBe('everywhere');

        await putBackUndeclared(scene, server, losses);
        const pending = await load.revoker.user(yuki);
        expect(pending.firstOutcome).toBe('pending');

        await putBackDeclared(scene, server, older);
        expect((await known(pending)).outcome).toBe('everywhere');
        await wholeAgain(scene, yuki);
      },
      {
        cluster: { postgres: { url: server.url }, env: {}, proxied: true },
        load: { waitMs: WAIT_MS },
        check: judgedWith(losses),
      },
    );
    expect(summary.pending).toBeGreaterThanOrEqual(2);
  } finally {
    await server.stop();
  }
});
