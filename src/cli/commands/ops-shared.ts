import type { OverrideEnd, Told } from '../../session/operator/operations-contract.ts';
import { MAX_OVERRIDE_MS } from '../../tenant/override.ts';
import { type Call, duration, type Option, UsageError } from '../command.ts';
import { EXIT } from '../exit.ts';
import { time } from '../time.ts';

/** `--for` and `--until`: when it ends by itself. */
export const endOptions: readonly Option[] = [
  { name: 'for', value: 'SPAN', help: 'how long, such as 30m or 2h; 30d at most' },
  { name: 'until', value: 'TIME', help: 'or up to when, such as 2030-01-31T06:00Z' },
];

/** When it ends; null: nothing was said. @throws UsageError */
export function endOf(call: Call): OverrideEnd | null {
  const forSeconds = duration(call, 'for', { least: 1, most: MAX_OVERRIDE_MS / 1000 });
  const untilMs = time(call, 'until');
  if (forSeconds !== null && untilMs !== null) {
    throw new UsageError('give --for or --until, not both');
  }
  if (forSeconds !== null) return { forSeconds };
  if (untilMs === null) return null;
  const nowMs = Date.now();
  if (untilMs <= nowMs || untilMs > nowMs + MAX_OVERRIDE_MS) {
    throw new UsageError('--until must be a time ahead, by 30 days at most');
  }
  return { untilMs };
}

/** When it ends. @throws UsageError where nothing was said */
export function requiredEnd(call: Call): OverrideEnd {
  const end = endOf(call);
  if (end === null) throw new UsageError('--for or --until is missing: it must have an end');
  return end;
}

/**
 * The options that were given, as fields: `--idle-timeout` is `idle_timeout`.
 *
 * @throws UsageError `missing`, where none was.
 */
export function fieldsGiven(
  options: readonly (readonly [name: string, value: number | null])[],
  missing: string,
): Readonly<Record<string, number>> {
  const given = options.flatMap(([name, value]) =>
    value === null ? [] : [[name.replaceAll('-', '_'), value] as const],
  );
  if (given.length === 0) throw new UsageError(missing);
  return Object.fromEntries(given);
}

export function toldJson({ effective, members, waitingFor }: Told) {
  return { effective, members, waiting_for: waitingFor };
}

/** @param what such as `clean-up is paused` */
export function toldLine(what: string, { effective, members, waitingFor }: Told): string {
  if (members === 0) return `${what}; no server runs: the next one that starts finds it so`;
  if (effective === 'everywhere') {
    return `${what}, on ${members === 1 ? 'the one node' : `all ${members} nodes`}`;
  }
  return `${what}; not yet told by ${waitingFor.join(', ')} (each node looks every 5 s)`;
}

export function toldExit({ effective }: Told): number {
  return effective === 'everywhere' ? EXIT.done : EXIT.pending;
}
