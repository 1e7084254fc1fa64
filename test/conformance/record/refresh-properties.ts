import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { follow, hashRefreshToken } from '../../../src/token/refresh-token.ts';
import {
  byHand,
  openSession,
  present,
  type RecordFixture,
  ring,
  START_MS,
  seedTenant,
  seedUser,
  sight,
} from '../../support/seed.ts';

const GRACE_MS = 10_000;
/** How long an answer counts as being on its way. */
const ON_THE_WAY_MS = 2_000;
const LOST_IN_A_ROW = 10;
const RUNS = { numRuns: 25 };

const next = (token: string): string => follow(ring, token, [ring.newest.keyId]) ?? '';

/** Refresh as a model of docs/refresh.md, and what an owner and a thief may rely on. */
export function refreshPropertySuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`properties of refresh on ${kind}`, () => {
    let fixture: RecordFixture;
    let tid: string;
    beforeAll(async () => {
      fixture = await open();
      ({ tid } = await seedTenant(fixture));
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function loggedIn(): Promise<{ tid: string; sid: string; token: string }> {
      const uid = await seedUser(fixture, tid);
      const { sid, token } = await openSession(fixture, tid, uid);
      return { tid, sid, token };
    }

    test('ASVS 10.4.5 15.4.2 whatever comes in whatever order: the chain follows its model, and never forks', async () => {
      const presented = fc.record({
        act: fc.constant('present' as const),
        // Which token of the chain: the live one is 0, used ones lie before it, -1 is the successor nobody was given.
        back: fc.oneof(
          { weight: 4, arbitrary: fc.constant(0) },
          { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
          { weight: 1, arbitrary: fc.constant(-1) },
        ),
        waitMs: fc.constantFrom(0, 1, 1999, 2000, 5000, GRACE_MS - 1, GRACE_MS, 60_000),
      });
      const seen = fc.record({
        act: fc.constant('see' as const),
        // Counted back from the newest answer.
        back: fc.integer({ min: 0, max: 3 }),
        waitMs: fc.constant(0),
      });
      const steps = fc.array(
        fc.oneof({ weight: 4, arbitrary: presented }, { weight: 1, arbitrary: seen }),
        { minLength: 5, maxLength: 30 },
      );
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          const session = await loggedIn();
          const model = createModel(session.token);
          let nowMs = START_MS;
          for (const { act, back, waitMs } of all) {
            nowMs += waitMs;
            if (act === 'see') {
              const rot = Math.max(0, model.rot() - back);
              const told = await sight(fixture, session, rot, nowMs);
              expect(told.map((one) => one.rot)).toEqual(model.see(rot) ? [rot] : []);
              continue;
            }
            const index = Math.max(0, model.live() - back);
            const expected = model.present(index, nowMs);
            const { outcome, live } = await present(fixture, model.token(index), nowMs);
            expect(outcome.kind).toBe(expected);
            if ('mint' in outcome) {
              expect(live).toBe(model.token(model.live()));
              expect(outcome.mint.session.rot).toBe(model.rot());
              // Whoever holds this answer may use it for so long: nothing takes its place before.
              expect(model.replacedBefore(nowMs + outcome.deliverWithinMs)).toBe(false);
            }
            const [row] = await byHand(fixture.database, {
              text: 'select rot, current_hash, seen_rot from sekisho.session where tid = $1 and sid = $2',
              values: [session.tid, session.sid],
            });
            expect(row?.rot).toBe(model.rot());
            expect(Buffer.from(row?.current_hash as Uint8Array)).toEqual(
              hashRefreshToken(model.token(model.live())),
            );
          }
        }),
        RUNS,
      );
    });

    test('B6 whoever loses answers is never taken for a thief: one device, whatever is lost and however late', async () => {
      const attempt = fc.record({
        // What the network does with it.
        fate: fc.constantFrom('delivered', 'answer lost', 'request lost'),
        uses: fc.boolean(),
        waitMs: fc.constantFrom(1, 500, 3000, 9_900, 10_000, 11_900, 300_000),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(attempt, { minLength: 5, maxLength: 25 }), async (attempts) => {
          const session = await loggedIn();
          let token = session.token;
          let nowMs = START_MS;
          let lostInARow = 0;
          for (const { fate, uses, waitMs } of attempts) {
            nowMs += waitMs;
            if (fate === 'request lost') continue;
            // So many tokens in a row are more than a bad network, and past the promise.
            if (fate === 'answer lost' && lostInARow >= LOST_IN_A_ROW) continue;
            const { outcome, live } = await present(fixture, token, nowMs);
            expect(['rotated', 'replayed', 'answer_lost']).toContain(outcome.kind);
            if (fate === 'answer lost') continue;
            lostInARow = outcome.kind === 'rotated' ? 0 : lostInARow + 1;
            token = live ?? '';
            const rot = 'mint' in outcome ? outcome.mint.session.rot : -1;
            if (uses) expect(await sight(fixture, session, rot, nowMs)).toEqual([]);
          }
        }),
        RUNS,
      );
    });

    test('ASVS 10.4.5 RFC 9700 a thief and an owner who both use what they get are noticed, whoever comes first', async () => {
      const turn = fc.record({
        who: fc.constantFrom('owner' as const, 'thief' as const),
        // Access tokens are used, and so seen, at once or at the end.
        uses: fc.boolean(),
        lost: fc.boolean(),
        // Never within a window of the other one's: what remains, and is said.
        waitMs: fc.constantFrom(GRACE_MS + ON_THE_WAY_MS, 60_000, 300_000),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(turn, { minLength: 1, maxLength: 12 }),
          fc.nat({ max: 2 }),
          async (turns, before) => {
            const session = await loggedIn();
            let nowMs = START_MS;
            let token = session.token;
            for (let n = 0; n < before; n += 1) {
              nowMs += 60_000;
              token = (await present(fixture, token, nowMs)).live ?? '';
            }
            const holds = { owner: token, thief: token };
            const unused = { owner: [] as number[], thief: [] as number[] };
            let noticed = false;
            const see = async (who: 'owner' | 'thief'): Promise<void> => {
              for (const rot of unused[who].splice(0)) {
                noticed ||= (await sight(fixture, session, rot, nowMs)).length > 0;
              }
            };
            const refresh = async (who: 'owner' | 'thief', lost: boolean): Promise<void> => {
              const { outcome, live } = await present(fixture, holds[who], nowMs);
              noticed ||= outcome.kind === 'reused';
              if (!('mint' in outcome) || lost) return;
              holds[who] = live ?? '';
              unused[who].push(outcome.mint.session.rot);
            };
            for (const { who, uses, lost, waitMs } of turns) {
              nowMs += waitMs;
              await refresh(who, lost);
              if (uses) await see(who);
              if (noticed) return;
            }
            // In the end both refresh, and both use what they have: the second of them cannot remain unnoticed.
            for (const who of ['owner', 'thief'] as const) {
              nowMs += 60_000;
              await refresh(who, false);
              if (noticed) return;
            }
            for (const who of ['owner', 'thief'] as const) await see(who);
            for (const who of ['owner', 'thief'] as const) {
              nowMs += 60_000;
              if (!noticed) await refresh(who, false);
            }
            expect(noticed).toBe(true);
          },
        ),
        RUNS,
      );
    });
  });
}

/** The rules of docs/refresh.md for one chain of one session that is alive; `present` says what must come of it. */
function createModel(first: string) {
  const tokens = [first];
  /** Of each used token: when its answer was first given, or given again, and the number of the answer that gave it. */
  const used: { atMs: number; readonly rot: number }[] = [];
  const replaced = new Set<number>();
  let rot = 0;
  let answeredAtMs = START_MS;
  let seenRot = 0;
  let lostInARow = 0;
  let isRepetition = false;

  function issue(nowMs: number): void {
    used.push({ atMs: nowMs, rot });
    tokens.push(next(tokens.at(-1) ?? ''));
    rot += 1;
    answeredAtMs = nowMs;
  }

  function repeat(index: number, nowMs: number): string {
    const own = used[index];
    if (own === undefined) throw new Error('not a used token');
    const isLast = index === used.length - 1;
    const endMs = own.atMs + GRACE_MS;
    if (nowMs >= endMs) {
      if (!isLast || seenRot >= rot) return 'reused';
      if (nowMs >= answeredAtMs + ON_THE_WAY_MS) {
        const tokensInARow = lostInARow + (isRepetition ? 0 : 1);
        if (tokensInARow > LOST_IN_A_ROW) return 'reused';
        replaced.add(rot);
        rot += 1;
        own.atMs = nowMs;
        answeredAtMs = nowMs;
        lostInARow = tokensInARow;
        isRepetition = true;
        return 'answer_lost';
      }
    }
    if (!isLast || nowMs + ON_THE_WAY_MS > endMs) answeredAtMs = Math.max(answeredAtMs, nowMs);
    return 'replayed';
  }

  return {
    token: (index: number): string => tokens[index] ?? next(tokens.at(-1) ?? ''),
    live: (): number => tokens.length - 1,
    rot: (): number => rot,
    /** Whether the newest answer may be replaced before `atMs`, if nothing else happens. */
    replacedBefore: (atMs: number): boolean => {
      const endMs = (used.at(-1)?.atMs ?? 0) + GRACE_MS;
      return atMs > Math.max(endMs, answeredAtMs + ON_THE_WAY_MS);
    },
    /** Returns whether it is the sight of a thief. */
    see(seen: number): boolean {
      if (seen >= rot) seenRot = Math.max(seenRot, seen);
      return replaced.has(seen);
    },
    present(index: number, nowMs: number): string {
      if (index < used.length) return repeat(index, nowMs);
      if (!isRepetition) lostInARow = 0;
      // The successor: its rotation was lost, and is completed first.
      if (index >= tokens.length) {
        issue(nowMs);
        lostInARow = 0;
      }
      issue(nowMs);
      isRepetition = false;
      return 'rotated';
    },
  };
}
