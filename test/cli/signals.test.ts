import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { firstSignal } from '../../src/cli/server/signals.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
let before: Map<NodeJS.Signals, readonly unknown[]>;
let nowMs: number;
beforeEach(() => {
  before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
  nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
});
afterEach(() => {
  for (const signal of SIGNALS) {
    for (const listener of process.listeners(signal)) {
      if (!before.get(signal)?.includes(listener)) process.off(signal, listener);
    }
  }
});

/** Only what this test has added hears it. */
function send(signal: NodeJS.Signals): void {
  for (const listener of process.listeners(signal)) {
    if (!before.get(signal)?.includes(listener)) (listener as (name: string) => void)(signal);
  }
}

test.each(SIGNALS)(
  'a %s that comes twice at once, as npm passes on Ctrl-C, is one',
  async (signal) => {
    const first = firstSignal();
    send(signal);
    expect(await first).toBe(signal);
    nowMs = 400;
    for (const same of SIGNALS) send(same);
    nowMs = 501;
    expect(() => send(signal)).toThrow('exit 1');
  },
);
