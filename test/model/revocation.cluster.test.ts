import { expect, test } from 'vitest';
import { check, promises, rules } from '../../tools/model-checker.mjs';

/** They take seconds; minutes where a machine has much else to do. */
const timeout = 600_000;

test.each(promises)(
  'BARRIER, HEARTBEAT, LINEAGE and the others keep the promise: $name',
  async ({ options }) => {
    const checked = await check(options);

    expect(checked.errors, checked.output).toBe(0);
    expect(checked.complete, checked.output).toBe(true);
    // Every step of the model is taken somewhere: nothing holds just because nothing happens.
    expect(checked.unreached).toBe(0);
    expect(checked.states).toBeGreaterThan(100_000);
  },
  timeout,
);

test.each(rules)(
  'without the rule %s a schedule is found that breaks the promise',
  async (rule) => {
    const checked = await check([`-DWITHOUT_${rule}`], { shortest: true });

    expect(checked.errors, checked.output).toBe(1);
    expect(checked.schedule.length).toBeGreaterThan(0);
  },
  timeout,
);

test(
  'a model that was not looked at to its end is not said to hold',
  async () => {
    const checked = await check([], { memoryMb: 160 });

    expect(checked.errors).toBe(0);
    expect(checked.complete).toBe(false);
  },
  timeout,
);
