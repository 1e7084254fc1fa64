import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import type { RefreshCandidate } from '../../src/record/contract.ts';
import {
  candidates,
  follow,
  hashRefreshToken,
  issueSlots,
  makeRefreshToken,
} from '../../src/token/refresh-token.ts';
import { createKeyRing, type KeyRing } from '../../src/token/secrets.ts';

/**
 * A session's row as the record keeps it, in memory: the rules of `SessionStore.rotate` that speak of the chain, without
 * lifetimes, and with no answer ever known to be delivered. `used` are the used tokens, oldest first.
 */
interface Row {
  readonly current: string;
  readonly successor: string;
  readonly successorKeyId: string;
  readonly used: readonly { readonly hash: string; readonly keyId: string; readonly at: number }[];
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

type Outcome =
  | { readonly kind: 'rotated' | 'replayed'; readonly keyIds: readonly string[]; readonly row: Row }
  | { readonly kind: 'reused' | 'unknown' | 'key_missing' };

function issue(ring: KeyRing, token: string): Row {
  const slots = issueSlots(ring, token);
  return {
    current: hex(slots.currentHash),
    successor: hex(slots.successorHash),
    successorKeyId: slots.successorKeyId,
    used: [],
  };
}

function rotate(
  row: Row,
  presented: string,
  offered: readonly RefreshCandidate[],
  now: number,
  grace: number,
): Outcome {
  const newest = offered[0];
  const advance = (from: Row, keyId: string): Row | null => {
    const candidate = offered.find((one) => one.keyId === keyId);
    if (candidate === undefined || newest === undefined) {
      return null;
    }
    return {
      current: hex(candidate.successorHash),
      successor: hex(candidate.afterHash),
      successorKeyId: newest.keyId,
      used: [...from.used, { hash: from.current, keyId, at: now }],
    };
  };
  if (presented === row.current) {
    const next = advance(row, row.successorKeyId);
    return next === null
      ? { kind: 'key_missing' }
      : { kind: 'rotated', keyIds: [row.successorKeyId], row: next };
  }
  if (presented === row.successor && newest !== undefined) {
    // The rotation that issued it was lost: it is completed, and then the presented token is rotated in turn.
    const completed: Row = {
      ...row,
      current: row.successor,
      used: [...row.used, { hash: row.current, keyId: row.successorKeyId, at: now }],
    };
    const next = advance(completed, newest.keyId);
    return next === null
      ? { kind: 'key_missing' }
      : { kind: 'rotated', keyIds: [newest.keyId], row: next };
  }
  const index = row.used.findIndex((step) => step.hash === presented);
  const step = row.used[index];
  if (step === undefined) {
    return { kind: 'unknown' };
  }
  const isLast = index === row.used.length - 1;
  return isLast || now - step.at <= grace
    ? { kind: 'replayed', keyIds: row.used.slice(index).map((one) => one.keyId), row }
    : { kind: 'reused' };
}

const OLD = 'an old secret of the deployment that is long enough';
const NEW = 'a new secret of the deployment that is long enough.';
const RINGS = [OLD, `${OLD},${NEW}`, `${NEW},${OLD}`].map(createKeyRing);

/** What happens next: who presents which of the tokens seen so far, on a node at which stage of the ring's change. */
const event = fc.record({
  /** Counted back from the newest token; beyond the first one, the first one. */
  back: fc.nat({ max: 4 }),
  after: fc.nat({ max: 12 }),
  stage: fc.constantFrom(0, 0, 1),
  /** The store loses its newest write afterwards (an asynchronous failover). */
  loses: fc.constantFrom(false, false, false, true),
});

describe('the refresh chain', () => {
  test('ASVS 10.4.5, 15.4.2: never forks, whatever is presented, replayed or lost, while the ring changes', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const grace = 10;
        const tid = newId();
        const sid = newId();
        const first = makeRefreshToken(tid, sid);
        let stage = 0;
        let now = 0;
        let row = issue(RINGS[0] as KeyRing, first);
        let before: Row | null = null;
        /** Every token that a client was given, oldest first. */
        const given = [first];
        for (const { back, after, stage: step, loses } of events) {
          now += after;
          stage = Math.min(stage + step, RINGS.length - 1);
          const ring = RINGS[stage] as KeyRing;
          const presented = given[Math.max(0, given.length - 1 - back)] as string;
          const outcome = rotate(
            row,
            hex(hashRefreshToken(presented)),
            candidates(ring, presented),
            now,
            grace,
          );
          if (outcome.kind === 'rotated' || outcome.kind === 'replayed') {
            const live = follow(ring, presented, outcome.keyIds) as string;
            // Whoever is answered holds the one token that the record takes next.
            expect(hex(hashRefreshToken(live))).toBe(outcome.row.current);
            if (!given.includes(live)) {
              given.push(live);
            }
            if (outcome.kind === 'rotated') {
              // A write that completes a lost rotation goes two steps; losing that one as well is past the promise.
              before = outcome.row.used.length === row.used.length + 1 ? row : null;
            }
            row = outcome.row;
          }
          if (loses && before !== null) {
            row = before;
            before = null;
          }
          // The newest token given out is the live one, or the record lost the write and it is the successor.
          const newest = hex(hashRefreshToken(given.at(-1) as string));
          expect([row.current, row.successor]).toContain(newest);
        }
        // Every token is the successor of the one before: a chain.
        for (const [index, token] of given.entries()) {
          const next = given[index + 1];
          if (next !== undefined) {
            const ring = RINGS.at(-1) as KeyRing;
            expect(ring.members.map((member) => follow(ring, token, [member.keyId]))).toContain(
              next,
            );
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  test('ASVS 15.4.2: fifty parallel refreshes of one token are all answered with one successor', () => {
    const ring = RINGS[1] as KeyRing;
    const token = makeRefreshToken(newId(), newId());
    let row = issue(ring, token);
    const answers = new Set<string | null>();
    for (let n = 0; n < 50; n += 1) {
      const outcome = rotate(
        row,
        hex(hashRefreshToken(token)),
        candidates(ring, token),
        n / 50,
        10,
      );
      if (outcome.kind !== 'rotated' && outcome.kind !== 'replayed') {
        throw new Error(outcome.kind);
      }
      row = outcome.row;
      answers.add(follow(ring, token, outcome.keyIds));
    }
    expect(answers.size).toBe(1);
    expect(row.used).toHaveLength(1);
  });

  test('a node that lacks the key that the row names cannot follow, and says so', () => {
    const token = makeRefreshToken(newId(), newId());
    const row = issue(createKeyRing(`${NEW},${OLD}`), token);
    const offered = candidates(createKeyRing(OLD), token);
    expect(rotate(row, hex(hashRefreshToken(token)), offered, 0, 10).kind).toBe('key_missing');
    expect(follow(createKeyRing(OLD), token, [row.successorKeyId])).toBeNull();
  });
});
