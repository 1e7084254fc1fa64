import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { isSekishoError, SekishoError } from '../../src/errors.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import { openPostgresRecord } from '../../src/record/postgres/open.ts';
import type { TokenPair } from '../../src/session/contract.ts';
import { type Postgres, startPostgres } from '../../tools/services/postgres.mjs';
import { type PostgresPair, startPostgresPair } from '../../tools/services/postgres-pair.mjs';
import { codeOf, ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';

vi.setConfig({ testTimeout: 240_000 });

/** The policy's window in these tests, seconds; and how long its end is waited for. */
const GRACE = 2;
const PAST_THE_WINDOW_MS = 2_300;
const GIVE_UP_AFTER_MS = 90_000;

async function startNode(record: RecordStore): Promise<TestEngine> {
  return startTestEngine({ record, exclusive: false });
}

async function newPairs(node: TestEngine, slug: string, many: number): Promise<TokenPair[]> {
  const { caller } = await node.makeTenant(slug);
  await node.setPolicy(caller, { refresh_grace: GRACE });
  return Promise.all(
    Array.from({ length: many }, (_, index) => {
      const email = `u${index}@${slug}.example`;
      const user = { externalId: `u${index}`, email };
      return node.engine.logins.createSession({ tenant: slug, user, amr: ['pwd'] }, ORIGIN);
    }),
  );
}

function refresh(node: TestEngine, pair: Pick<TokenPair, 'refreshToken'>): Promise<TokenPair> {
  return node.engine.logins.refresh(pair.refreshToken, ORIGIN);
}

/** As a client does it: 503 means again later, everything else is final. */
async function patiently<Result>(attempt: () => Promise<Result>): Promise<Result> {
  const giveUpAtMs = Date.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const again = isSekishoError(error) && error.status === 503 && Date.now() < giveUpAtMs;
      if (!again) throw error;
      await sleep(100);
    }
  }
}

const use = (node: TestEngine, pair: TokenPair) =>
  patiently(() => node.engine.authentication.authenticate(pair.accessToken));

describe('a PostgreSQL that crashes under refreshes', () => {
  let postgres: Postgres;
  let node: TestEngine;
  /** Called once, when the record has carried out a rotation and its answer has not gone on. */
  let afterRotate: (() => Promise<void>) | null = null;

  beforeAll(async () => {
    postgres = await startPostgres();
    const record = await openPostgresRecord({ url: postgres.url });
    const { sessions } = record;
    const rotate: typeof sessions.rotate = async (...call) => {
      const outcome = await sessions.rotate(...call);
      const after = afterRotate;
      afterRotate = null;
      await after?.();
      return outcome;
    };
    node = await startNode({ ...record, sessions: { ...sessions, rotate } });
  });
  afterAll(async () => {
    await node?.close();
    await postgres?.stop();
  });

  test('B6 a refresh whose answer was lost in it succeeds afterwards, and goes on', async () => {
    const pairs = await newPairs(node, 'crash', 5);
    const [first, ...others] = pairs as [TokenPair, ...TokenPair[]];
    afterRotate = async () => {
      await postgres.halt('immediate');
      throw new SekishoError('outcome_unknown', 'The connection broke.');
    };
    expect(await codeOf(refresh(node, first))).toBe('outcome_unknown');
    for (const pair of others) {
      expect(await codeOf(refresh(node, pair))).toMatch(/^(outcome_unknown|store_unavailable)$/);
    }
    await sleep(PAST_THE_WINDOW_MS);
    await postgres.resume();
    const lost = await patiently(() => refresh(node, first));
    expect(lost.session.rot).toBeGreaterThan(1);
    const back = await Promise.all(others.map((pair) => patiently(() => refresh(node, pair))));
    for (const pair of [lost, ...back]) {
      await use(node, pair);
      await node.flush();
      await use(node, await patiently(() => refresh(node, pair)));
    }
  });

  test('B6 whenever it crashes: nobody is logged out, whichever answers were lost', async () => {
    let pairs = await newPairs(node, 'crashes', 20);
    for (const delayMs of [0, 3, 10, 25, 60]) {
      const refreshing = Promise.allSettled(pairs.map((pair) => refresh(node, pair)));
      await sleep(delayMs);
      await postgres.halt('immediate');
      const answers = await refreshing;
      await sleep(PAST_THE_WINDOW_MS);
      await postgres.resume();
      pairs = await Promise.all(
        answers.map(async (answer, index) => {
          if (answer.status === 'fulfilled') return answer.value;
          const pair = pairs[index] as TokenPair;
          return patiently(() => refresh(node, pair));
        }),
      );
      for (const pair of pairs) await use(node, pair);
      await node.flush();
    }
    const again = await Promise.all(pairs.map((pair) => patiently(() => refresh(node, pair))));
    for (const pair of again) await use(node, pair);
  });
});

describe('a failover that loses the newest writes', () => {
  let servers: PostgresPair;
  let node: TestEngine;

  beforeAll(async () => {
    servers = await startPostgresPair({ synchronous: false });
    node = await startNode(await openPostgresRecord({ url: servers.url }));
  });
  afterAll(async () => {
    await node?.close();
    await servers?.stop();
  });

  test('B6 a rotation that it lost is completed by its successor; a lost answer may be lost again', async () => {
    const [owner, other] = (await newPairs(node, 'failover', 2)) as [TokenPair, TokenPair];
    await patiently(() => refresh(node, other));
    await sleep(PAST_THE_WINDOW_MS);
    await servers.caughtUp();
    const [rotated, again] = await servers.lostEnd(async () => [
      await patiently(() => refresh(node, owner)),
      await patiently(() => refresh(node, other)),
    ]);
    expect(again?.session.rot).toBeGreaterThan(1);
    for (const pair of [rotated, again] as TokenPair[]) {
      // Seen before and after: nobody is taken for a thief.
      await use(node, pair);
      const further = await patiently(() => refresh(node, pair));
      await use(node, pair);
      await node.flush();
      await use(node, further);
    }
  });
});

test('ASVS 10.4.5 what one node has seen tells every node that an answer arrived', async () => {
  const opened = await openPostgresTestRecord(inject('postgresUrl'));
  const one = await startNode(opened.record);
  // Nothing but the record connects the two.
  const other = await startNode({ ...opened.record, close: async () => {} });
  try {
    const [delivered, lost] = (await newPairs(one, 'nodes', 2)) as [TokenPair, TokenPair];
    const got = await patiently(() => refresh(one, delivered));
    const missing = await patiently(() => refresh(one, lost));
    await use(other, got);
    await other.flush();
    await sleep(PAST_THE_WINDOW_MS);
    expect(await codeOf(refresh(one, delivered))).toBe('session_revoked');

    const again = await patiently(() => refresh(one, lost));
    await use(one, again);
    // The answer that was taken for lost is used at another node: its session ends on both.
    await use(other, missing);
    await other.flush();
    for (const node of [one, other]) {
      for (const pair of [missing, again]) {
        const { authentication } = node.engine;
        const judged = authentication.authenticate(pair.accessToken, { fresh: true });
        expect(await codeOf(judged)).toBe('session_revoked');
      }
    }
  } finally {
    await other.close();
    await one.close();
    await opened.close();
  }
});
