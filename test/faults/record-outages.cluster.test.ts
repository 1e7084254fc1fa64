import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Device } from '../../tools/cluster/device.mjs';
import type { RevocationFact } from '../../tools/cluster/history.mjs';
import type { Person } from '../../tools/cluster/people.mjs';
import { type Postgres, startPostgres } from '../../tools/services/postgres.mjs';
import { eventually, type Scene, underLoad } from '../support/cluster.ts';
import {
  allReady,
  askedIn,
  generations,
  hang,
  known,
  type Span,
  say,
  socketsOver,
  wholeAgain,
} from '../support/record-faults.ts';

/** Shorter than FIRST TERM, so that a call in it can only say `pending`. */
const WAIT_MS = 2000;
/** `unavailable`: come back. */
const UNAVAILABLE = 1013;

/** PostgreSQL ends and comes back under load: a generation begins, in whose first term nothing is everywhere yet. */
async function restarted(
  scene: Scene,
  server: Postgres,
  mode: 'fast' | 'immediate',
  person: Person,
): Promise<RevocationFact> {
  const { load, nodes } = scene;
  const before = await generations(scene);
  const during = load.revoker.user(person);
  await server.halt(mode);
  await server.resume();
  await during;
  await eventually('a generation begins', async () => (await generations(scene)) > before);
  await allReady(nodes);
  const revocation = await load.revoker.user(person);
  expect(revocation.firstOutcome).toBe('pending');
  return revocation;
}

/** A refresh is carried out and its answer is lost; at that moment the hang begins. */
async function refreshLostIn(
  scene: Scene,
  person: Person,
  ms: number,
  meanwhile: () => Promise<void>,
): Promise<Span> {
  const { cluster, load, nodes } = scene;
  const [first] = nodes;
  const device = await load.login(person);
  if (first === undefined || device === null) throw new Error('nobody could log in');
  const lost = cluster.proxies(first).postgres.loseAnswerTo(/rotate_session/, 'silence');
  const refresh = load.refresh(device, first);
  await lost;
  const span = await hang(scene, nodes, ms, meanwhile);
  await refresh;
  return span;
}

/** Every client whose refresh was not answered with tokens within the span gets them afterwards, with the token that it has. */
async function refreshedAfterwards({ load }: Scene, { fromMs, toMs }: Span): Promise<void> {
  const { requests } = load.history;
  const refreshes = requests.filter(({ kind }) => kind === 'refresh');
  const unserved = refreshes.filter(
    ({ endMs, beginMs, status }) => endMs > fromMs && beginMs < toMs && status !== 200,
  );
  expect(unserved.length).toBeGreaterThan(0);
  const waiting = new Set(unserved.map(({ session }) => session));
  for (const device of load.devices) {
    if (!waiting.has(device.session)) continue;
    await eventually(
      'a client that was not served gets its tokens',
      () =>
        device.state !== 'live' ||
        load.history.requests.some(
          ({ kind, session, status, endMs }) =>
            kind === 'refresh' && session === device.session && status === 200 && endMs > toMs,
        ),
    );
  }
}

/** Revoking calls that were begun and answered within a span, and said that anything was revoked. */
function claimedIn({ load }: Scene, { fromMs, toMs }: Span): RevocationFact[] {
  return load.history.revocations.filter(
    ({ beginMs, endMs, firstOutcome }) =>
      beginMs > fromMs &&
      endMs !== null &&
      endMs < toMs &&
      (firstOutcome === 'everywhere' || firstOutcome === 'pending'),
  );
}

/** What one presentation of a valid token is answered by each node. */
async function presented({ load, nodes }: Scene, device: Device) {
  const replies = await Promise.all(nodes.map((node) => load.check(device, node)));
  return replies.map(({ status, headers }) => ({
    status,
    freshness: headers['x-sekisho-freshness'] ?? null,
    retryAfter: Number(headers['retry-after'] ?? 0),
  }));
}

test('B8 B12 ANSWER GENERATION FIRST TERM PostgreSQL is restarted, crashes, and hangs for 0.5, 5 and 30 s: stale, then 503, and nobody is logged out', async () => {
  const server = await startPostgres();
  try {
    const summary = await underLoad(
      'PostgreSQL restarts, crashes, hangs',
      async (scene) => {
        const { load, nodes, cluster, yuki } = scene;
        const [, kai, ida] = cluster.people;
        const [first] = nodes;
        if (!kai || !ida || !first) throw new Error('too few people or nodes');
        await wholeAgain(scene, yuki);
        const device = await load.login(kai);
        if (device === null) throw new Error('nobody could log in');

        await restarted(scene, server, 'fast', yuki);
        const pending = await restarted(scene, server, 'immediate', yuki);
        const socket = await load.openSocket(device, first);
        await eventually('a socket is open', () => socket?.fact.openedMs !== null);

        // Past the term: 503, never 401, and no socket is left. FIRST TERM passes meanwhile.
        let within: RevocationFact | null = null;
        const long = await hang(scene, nodes, 30_000, async () => {
          const call = load.revoker.user(yuki);
          await eventually('no node answers any more', async () => {
            const all = await presented(scene, device);
            return all.every(({ status, retryAfter }) => status === 503 && retryAfter > 0);
          });
          const silentMs = performance.now();
          within = await call;
          await sleep(2000);
          const later = askedIn(scene, { fromMs: silentMs, toMs: performance.now() });
          const answered = later.filter(({ kind }) => kind === 'authenticate');
          expect(answered.length).toBeGreaterThan(0);
          expect(answered.filter(({ status }) => status === 200)).toEqual([]);
        });
        const said = within as RevocationFact | null;
        expect(['unknown', 'refused']).toContain(said?.firstOutcome);
        const stale = askedIn(scene, long).filter(({ freshness }) => freshness === 'stale');
        expect(stale.length).toBeGreaterThan(0);
        expect(socket?.fact.code).toBe(UNAVAILABLE);
        const left = socketsOver(scene, long).filter(
          ({ closedMs }) => (closedMs ?? Infinity) > long.toMs,
        );
        expect(left).toEqual([]);
        await allReady(nodes);
        await refreshedAfterwards(scene, long);
        expect((await known(pending)).outcome).toBe('everywhere');
        await wholeAgain(scene, yuki);

        // Within the tolerance: stale and 200. One refresh is carried out, and its answer is lost.
        let inMiddle: Promise<RevocationFact> | null = null;
        const middle = await refreshLostIn(scene, ida, 5000, async () => {
          inMiddle = load.revoker.user(yuki);
          await eventually('every node answers, as stale', async () => {
            const all = await presented(scene, device);
            expect(all.map(({ status }) => status)).toEqual(nodes.map(() => 200));
            return all.every(({ freshness }) => freshness === 'stale');
          });
        });
        await allReady(nodes);
        await refreshedAfterwards(scene, middle);
        const asked = await (inMiddle as Promise<RevocationFact> | null);
        if (asked !== null) await known(asked);
        await wholeAgain(scene, yuki);

        const call = load.revoker.user(yuki);
        const short = await hang(scene, nodes, 500);
        await known(await call);
        await wholeAgain(scene, yuki);
        for (const [name, span] of Object.entries({
          '0.5 s': short,
          '5 s': middle,
          '30 s': long,
        })) {
          expect(claimedIn(scene, span)).toEqual([]);
          const asked = askedIn(scene, span).filter(({ kind }) => kind === 'authenticate');
          const count = (what: (one: (typeof asked)[number]) => boolean) =>
            asked.filter(what).length;
          say(
            `hang of ${name}: ${count(({ freshness }) => freshness === 'fresh')} fresh, ${count(({ freshness }) => freshness === 'stale')} stale, ${count(({ status }) => status === 503)} 503`,
          );
        }
      },
      {
        cluster: { postgres: { url: server.url }, env: {}, proxied: true },
        load: { waitMs: WAIT_MS },
      },
    );
    expect(summary.pending).toBeGreaterThanOrEqual(2);
    expect(summary.unavailable).toBeGreaterThan(0);
    expect(summary.notEverywhere).toBeLessThanOrEqual(summary.revocations.unknown ?? 0);
  } finally {
    await server.stop();
  }
});
