import { afterAll, describe, expect, it } from 'vitest';
import { code } from '../support/simulation/code.ts';
import { type Played, play, replayOf, themeOf } from '../support/simulation/play.ts';
import { THEMES } from '../support/simulation/themes.ts';

/** Real milliseconds for all schedules together. */
const BUDGET_MS = 8000;
/** Every theme this often, however slow the machine is. */
const LEAST_ROUNDS = 3;

const REPLAYED = process.env.SEKISHO_SEED;
/** Another stretch of seeds with each run; the seed of a schedule says all that there is to know of it. */
const FIRST_SEED = REPLAYED === undefined ? Date.now() % 2_000_000_000 : Number(REPLAYED);

/** Plays one schedule; what goes wrong says how to see it again, and with a seed given what led to it. */
async function playOne(seed: number): Promise<Played> {
  const trace: string[] | null = REPLAYED === undefined ? null : [];
  try {
    return await play(seed, { code, trace });
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const lines = [`${themeOf(seed).name}: ${what}`, `again: ${replayOf(seed)}`, ...(trace ?? [])];
    throw new Error(lines.join('\n'));
  }
}

describe('nodes, a record and a hub under every fault of docs/simulation.md', () => {
  const sum = { schedules: 0, passes: 0, refusals: 0, everywhere: 0, logins: 0 };

  async function playAndCount(seed: number): Promise<void> {
    const played = await playOne(seed);
    sum.schedules += 1;
    sum.passes += played.passes;
    sum.refusals += played.refusals;
    sum.everywhere += played.everywhere;
    sum.logins += played.logins;
  }

  if (REPLAYED === undefined) {
    it('B3 B4 B7 B8 B9 Bound, Early return, FRESH, AUTHORITY, MINT, HAND IN, no false refusal, and liveness once faults end', async () => {
      const least = LEAST_ROUNDS * THEMES.length;
      const untilMs = performance.now() + BUDGET_MS;
      for (let n = 0; n < least || performance.now() < untilMs; n += 1)
        await playAndCount(FIRST_SEED + n);
      // A world in which nothing passes and nothing gets everywhere would show nothing.
      expect(sum.passes).toBeGreaterThan(500);
      expect(sum.refusals).toBeGreaterThan(500);
      expect(sum.everywhere).toBeGreaterThan(20);
      expect(sum.logins).toBeGreaterThan(5);
    });
  } else {
    it('plays the schedule of SEKISHO_SEED again', () => playAndCount(FIRST_SEED), 60_000);
  }

  it('is the same schedule whenever it is played', async () => {
    for (let seed = 1; seed <= THEMES.length; seed += 1) {
      const first = await playOne(seed);
      expect(await playOne(seed)).toEqual(first);
    }
  });

  afterAll(() => {
    const { schedules, passes, refusals, everywhere, logins } = sum;
    process.stdout.write(
      `simulation: ${schedules} schedules from seed ${FIRST_SEED}; ${passes} passes, ${refusals} refusals, ${everywhere} times everywhere, ${logins} logins\n`,
    );
  });
});
