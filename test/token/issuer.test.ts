import { expect, test } from 'vitest';
import {
  acceptedIssuersAt,
  endingIssuersAt,
  ISSUER_AHEAD_MS,
  issuerAt,
  newestIssuer,
  onlyIssuer,
  parseSchedule,
  withIssuer,
} from '../../src/token/issuer.ts';
import { RETIRED_KEY_MS } from '../../src/token/key-set.ts';

const NOW = Date.UTC(2030, 0, 1);
const accepted = (schedule: Parameters<typeof acceptedIssuersAt>[0], at: number) => [
  ...acceptedIssuersAt(schedule, at),
];

test('RFC 8725 3.8 a new issuer is accepted before it mints, the one before it until its last token has expired', () => {
  const from = NOW + ISSUER_AHEAD_MS;
  const schedule = withIssuer(onlyIssuer('a'), 'b', from, NOW);
  expect(newestIssuer(schedule)).toMatchObject({ issuer: 'b', activeFromMs: from });
  expect(issuerAt(schedule, NOW)).toBe('a');
  expect(issuerAt(schedule, from - 1)).toBe('a');
  expect(issuerAt(schedule, from)).toBe('b');
  expect(accepted(schedule, NOW)).toEqual(['a', 'b']);
  expect(accepted(schedule, from + RETIRED_KEY_MS - 1)).toEqual(['a', 'b']);
  const ending = { issuer: 'a', untilMs: from + RETIRED_KEY_MS };
  expect(endingIssuersAt(schedule, NOW)).toEqual([ending]);
  expect(endingIssuersAt(schedule, ending.untilMs)).toEqual([]);
  expect(accepted(schedule, from + RETIRED_KEY_MS)).toEqual(['b']);
});

test('a change before the last one has taken effect, and back again', () => {
  const first = withIssuer(onlyIssuer('a'), 'b', NOW + 100, NOW);
  const second = withIssuer(first, 'c', NOW + 200, NOW + 50);
  expect([0, 100, 200].map((after) => issuerAt(second, NOW + after))).toEqual(['a', 'b', 'c']);
  expect(accepted(second, NOW + 60)).toEqual(['a', 'b', 'c']);
  const back = withIssuer(second, 'a', NOW + 300, NOW + 250);
  expect(issuerAt(back, NOW + 300)).toBe('a');
  expect(accepted(back, NOW + 300 + RETIRED_KEY_MS)).toEqual(['a']);
  expect(endingIssuersAt(back, NOW + 300).map(({ issuer }) => issuer)).toEqual(['b', 'c']);
  // What is long past is kept no longer.
  const later = NOW + 300 + RETIRED_KEY_MS;
  expect(withIssuer(back, 'd', later, later).map(({ issuer }) => issuer)).toEqual(['a', 'd']);
});

test('at once, where one node is alone', () => {
  const schedule = withIssuer(onlyIssuer('a'), 'b', NOW, NOW);
  expect(issuerAt(schedule, NOW)).toBe('b');
  expect(accepted(schedule, NOW)).toEqual(['a', 'b']);
});

test('what the record keeps is read again; anything else is refused', () => {
  const schedule = withIssuer(onlyIssuer('a'), 'b', NOW, NOW);
  expect(parseSchedule(JSON.stringify(schedule))).toEqual(schedule);
  for (const text of ['[]', '{}', '[{"issuer":""}]']) {
    expect(() => parseSchedule(text)).toThrow('issuer');
  }
});
