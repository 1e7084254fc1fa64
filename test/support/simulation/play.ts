import { HAPPENINGS } from './happenings.ts';
import { recover } from './recovery.ts';
import { Schedule, type ScheduleOptions } from './schedule.ts';
import { type Happening, THEMES, type Theme } from './themes.ts';

/** What one schedule came to. A world in which nothing passes and nothing gets everywhere would show nothing. */
export interface Played {
  readonly theme: string;
  readonly passes: number;
  readonly refusals: number;
  readonly everywhere: number;
  readonly logins: number;
  readonly virtualMs: number;
  /** Things that happened, of whatever kind. */
  readonly tasks: number;
}

/** Some hundred times what a schedule takes: one that goes on for longer has no end. */
const MOST_TASKS = 200_000;

/** A seed names its theme, so that consecutive seeds go through all of them. */
export function themeOf(seed: number): Theme {
  return THEMES[seed % THEMES.length] as Theme;
}

/**
 * Plays the schedule of `seed` to its end.
 * @throws BrokenPromise, or whatever a defect threw
 */
export async function play(
  seed: number,
  options: ScheduleOptions & { readonly theme?: Theme },
): Promise<Played> {
  const { theme = themeOf(seed) } = options;
  const schedule = new Schedule(seed, theme, options);
  const { world, dice, promises, people } = schedule;
  const startedMs = world.nowMs;
  world.timeline.mostTasks = MOST_TASKS;
  for (let count = dice.int(...theme.nodes); count > 0; count -= 1) schedule.addNode();
  await world.run(100 + dice.between(0, 200));
  HAPPENINGS.mint(schedule);
  if (theme.rates.logIn !== undefined) for (let n = 0; n < 3; n += 1) HAPPENINGS.logIn(schedule);
  const rates = Object.entries(theme.rates) as [Happening, number][];
  for (let steps = dice.int(...theme.steps); steps > 0; steps -= 1) {
    for (const [happening, rate] of rates) {
      if (dice.chance(rate)) HAPPENINGS[happening](schedule);
    }
    await schedule.sleep();
    await world.run(dice.between(...theme.stepMs));
    schedule.probe();
  }
  await recover(schedule);
  return {
    theme: theme.name,
    passes: promises.passes,
    refusals: promises.refusals,
    everywhere: promises.everywhere,
    logins: people.logins,
    virtualMs: world.nowMs - startedMs,
    tasks: world.timeline.ran,
  };
}

/** How to see a schedule again, for whoever reads that it broke a promise. */
export function replayOf(seed: number): string {
  return `SEKISHO_SEED=${seed} npx vitest run --project node test/revocation/simulation.test.ts`;
}
