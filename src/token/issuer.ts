import { z } from 'zod';
import { SekishoError } from '../errors.ts';
import { RETIRED_KEY_MS } from './key-set.ts';

/**
 * How long before its first use a new issuer is in the record: every node looks there once a minute, so each has come by
 * twice, with half a minute to spare.
 */
export const ISSUER_AHEAD_MS = 150_000;

/** One `iss`, and when. */
export interface IssuedAs {
  readonly issuer: string;
  /** Tokens are minted as this issuer's from then on, until the next one's time comes. */
  readonly activeFromMs: number;
  /** Tokens of it are good until then; null: it is the newest. */
  readonly acceptedUntilMs: number | null;
}

/** The issuers of a deployment, oldest first; the newest is the last. Never empty. */
export type IssuerSchedule = readonly [IssuedAs, ...IssuedAs[]];

const SCHEDULE = z
  .array(
    z.object({
      issuer: z.string().min(1),
      activeFromMs: z.number(),
      acceptedUntilMs: z.number().nullable(),
    }),
  )
  .min(1);

/** Always the same issuer. */
export function onlyIssuer(issuer: string): IssuerSchedule {
  return [{ issuer, activeFromMs: 0, acceptedUntilMs: null }];
}

/** As the record keeps it. @throws SekishoError `invalid_configuration` */
export function parseSchedule(text: string): IssuerSchedule {
  const parsed = SCHEDULE.safeParse(JSON.parse(text));
  const [first, ...rest] = parsed.success ? parsed.data : [];
  if (first === undefined) {
    throw new SekishoError('invalid_configuration', 'The record has no readable issuer.');
  }
  return [first, ...rest];
}

/** The issuer of tokens that are minted at `nowMs`: the one that became active last. */
export function issuerAt(schedule: IssuerSchedule, nowMs: number): string {
  return (schedule.findLast(({ activeFromMs }) => activeFromMs <= nowMs) ?? schedule[0]).issuer;
}

/** The issuers whose tokens are good at `nowMs`: coming, active, and past ones until their last token has expired. */
export function acceptedIssuersAt(schedule: IssuerSchedule, nowMs: number): ReadonlySet<string> {
  const good = schedule.filter(
    ({ acceptedUntilMs }) => acceptedUntilMs === null || nowMs < acceptedUntilMs,
  );
  return new Set(good.map(({ issuer }) => issuer));
}

/** Those of them that another has taken the place of, each with the time until which its tokens are good. */
export function endingIssuersAt(
  schedule: IssuerSchedule,
  nowMs: number,
): readonly { readonly issuer: string; readonly untilMs: number }[] {
  const ends = new Map(
    schedule.map(({ issuer, acceptedUntilMs }) => [issuer, acceptedUntilMs] as const),
  );
  return [...ends].flatMap(([issuer, untilMs]) =>
    untilMs === null || untilMs <= nowMs ? [] : [{ issuer, untilMs }],
  );
}

/** The one that is active, or will be. */
export function newestIssuer(schedule: IssuerSchedule): IssuedAs {
  return schedule.at(-1) ?? schedule[0];
}

/**
 * The schedule with `issuer` from `activeFromMs` on. Tokens of the one before it are good until the last of them has
 * expired. Those that are long past are left out.
 */
export function withIssuer(
  schedule: IssuerSchedule,
  issuer: string,
  activeFromMs: number,
  nowMs: number,
): IssuerSchedule {
  const acceptedUntilMs = activeFromMs + RETIRED_KEY_MS;
  const before = schedule
    .map((one) => ({ ...one, acceptedUntilMs: one.acceptedUntilMs ?? acceptedUntilMs }))
    .filter((one) => one.acceptedUntilMs > nowMs);
  const next = { issuer, activeFromMs, acceptedUntilMs: null };
  const [first, ...rest] = before;
  return first === undefined ? [next] : [first, ...rest, next];
}
