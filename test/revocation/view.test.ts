import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORGET_MARGIN_MS, MAX_ACCESS_TTL_MS } from '../../src/revocation/constants.ts';
import { Draft } from '../../src/revocation/draft.ts';
import type { Entry, Generation, TokenFacts } from '../../src/revocation/types.ts';
import { View } from '../../src/revocation/view.ts';
import { draftOf } from '../support/log.ts';
import { judgeNaively } from '../support/naive-view.ts';

const G: Generation = { id: 'g1', parent: null, parentEnd: 0, settled: true };
const TENANTS = ['t0', 't1'];
const USERS = ['u0', 'u1'];
const SIDS = ['s0', 's1', 's2', 's3'];

/** What an entry may speak of; spared sessions are filled in by `logOf`. */
const subject = fc.record({
  scope: fc.constantFrom('all', 'tenant', 'user', 'session', 'reissue'),
  tid: fc.constantFrom(...TENANTS),
  uid: fc.constantFrom(...USERS),
  sid: fc.constantFrom(...SIDS),
  width: fc.integer({ min: 0, max: 3 }),
  spares: fc.boolean(),
});
type Drawn = typeof subject extends fc.Arbitrary<infer Value> ? Value : never;

/** A session of the model: what a record knows of it when it is asked to spare it. */
const session = fc.record({
  tid: fc.constantFrom(...TENANTS),
  uid: fc.constantFrom(...USERS),
  sid: fc.constantFrom(...SIDS),
  epoch: fc.nat(20),
});

/**
 * A log as the record would have written it. AUTHORITY: a session is spared only if it passes every floor so far, or a view
 * that keeps the latest floor of a subject would not agree with one that keeps all.
 */
function logOf(
  drawn: readonly Drawn[],
  sessions: readonly { tid: string; uid: string; sid: string; epoch: number }[],
  horizon = 0,
): Entry[] {
  const entries: Entry[] = [];
  for (const { scope, tid, uid, sid, width, spares } of drawn) {
    const position = horizon + entries.length + 1;
    const spared = sessions.find(
      (candidate) =>
        candidate.sid === sid &&
        judgeNaively(
          { entries, horizon: 0, lineage: [G] },
          { ...candidate, generation: 'g1', tokenEpoch: position },
        ) === 'pass',
    );
    const floor = scope === 'all' || scope === 'tenant' || scope === 'user';
    entries.push({
      generation: 'g1',
      position,
      operationId: `op${position}`,
      scope,
      tid: scope === 'all' || (scope === 'reissue' && width === 0) ? null : tid,
      uid:
        scope === 'user' || scope === 'session' || (scope === 'reissue' && width > 1) ? uid : null,
      sid: scope === 'session' || (scope === 'reissue' && width > 2) ? sid : null,
      sparedSid: floor && spares && spared !== undefined ? spared.sid : null,
    });
  }
  return entries;
}

/** So many entries of the one user, or of all, one after the other. */
function floorsOf(scope: 'user' | 'all', length: number): Entry[] {
  const floor = { scope, tid: 't0', uid: 'u0', sid: 's0', width: 0, spares: false };
  return logOf(
    Array.from({ length }, () => floor),
    [],
  );
}

function tokensOf(
  sessions: readonly { tid: string; uid: string; sid: string; epoch: number }[],
  applied: number,
): TokenFacts[] {
  return sessions.flatMap((each) =>
    [0, 3, applied].map((later) => ({
      ...each,
      generation: 'g1',
      epoch: Math.min(each.epoch, applied),
      tokenEpoch: Math.min(each.epoch + later, applied),
    })),
  );
}

/** One session a sid, as sids are never used again. */
const sessionsArbitrary = fc.uniqueArray(session, { selector: ({ sid }) => sid, maxLength: 4 });
const logArbitrary = fc
  .tuple(fc.array(subject, { maxLength: 25 }), sessionsArbitrary)
  .map(([drawn, sessions]) => ({ entries: logOf(drawn, sessions), sessions }));

function snapshotOf(entries: readonly Entry[], horizon = 0): Draft {
  return draftOf(entries, [G], { horizon });
}

function viewOf(entries: readonly Entry[] = [], horizon = 0): View {
  const view = new View();
  view.replace(snapshotOf(entries, horizon));
  return view;
}

/** Everything that can be seen of a view. */
function stateOf(view: View, tokens: readonly TokenFacts[]) {
  return {
    generation: view.generation,
    applied: view.applied,
    horizon: view.horizon,
    size: view.size,
    hasGap: view.hasGap,
    entries: [...view.range(view.horizon + 1, view.applied)],
    verdicts: tokens.map((facts) => view.judge(facts)),
  };
}

describe('the view', () => {
  it('B9 FOLLOW: any order, any duplication, any loss, repaired by a snapshot, gives the state of the log in order', () => {
    fc.assert(
      fc.property(
        logArbitrary.chain(({ entries, sessions }) =>
          fc.record({
            entries: fc.constant(entries),
            sessions: fc.constant(sessions),
            heard:
              entries.length === 0
                ? fc.constant<Entry[]>([])
                : fc.array(fc.constantFrom(...entries), { maxLength: 60 }),
            early: fc.nat(entries.length),
          }),
        ),
        ({ entries, sessions, heard, early }) => {
          const tokens = tokensOf(sessions, entries.length);
          const inOrder = viewOf();
          for (const entry of entries) expect(inOrder.apply(entry, 0)).toBe('applied');

          const view = viewOf();
          heard.forEach((entry, index) => {
            const before = view.applied;
            const outcome = view.apply(entry, 0);
            expect(outcome).toBe(
              entry.position <= before
                ? 'known'
                : entry.position === before + 1
                  ? 'applied'
                  : 'gap',
            );
            if (outcome === 'gap') expect(view.hasGap).toBe(true);
            if (index === Math.floor(heard.length / 2))
              view.merge(snapshotOf(entries.slice(0, early)), 0);
          });
          expect(view.merge(snapshotOf(entries), 0)).toBe('merged');
          expect(stateOf(view, tokens)).toEqual(stateOf(inOrder, tokens));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('B7 judge agrees with a look at every entry, in the order of the table', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(logArbitrary, fc.nat(25), ({ entries, sessions }, cut) => {
        const horizon = Math.min(cut, entries.length);
        const view = viewOf(entries.slice(horizon), horizon);
        for (const facts of tokensOf(sessions, entries.length)) {
          const verdict = view.judge(facts);
          seen.add(verdict);
          expect(verdict).toBe(
            judgeNaively({ entries: entries.slice(horizon), horizon, lineage: [G] }, facts),
          );
        }
      }),
      { numRuns: 800 },
    );
    expect([...seen].sort()).toEqual(['pass', 'revoked', 'superseded']);
  });

  it('B9 merging a snapshot twice is merging it once, and never takes the view back', () => {
    fc.assert(
      fc.property(logArbitrary, fc.nat(25), fc.nat(25), ({ entries, sessions }, a, b) => {
        const tokens = tokensOf(sessions, entries.length);
        const view = viewOf(entries.slice(0, Math.min(a, entries.length)));
        const snapshot = snapshotOf(entries.slice(0, Math.min(b, entries.length)));
        view.merge(snapshot, 0);
        const once = stateOf(view, tokens);
        const { version } = view;
        view.merge(snapshot, 0);
        expect(stateOf(view, tokens)).toEqual(once);
        expect(view.version).toBe(version);
        expect(view.applied).toBe(
          Math.max(Math.min(a, entries.length), Math.min(b, entries.length)),
        );
      }),
    );
  });

  it('B9 a merge tells of each entry that it applied, once and in order', () => {
    fc.assert(
      fc.property(logArbitrary, fc.nat(25), ({ entries }, cut) => {
        const known = Math.min(cut, entries.length);
        const view = viewOf(entries.slice(0, known));
        const applied: Entry[] = [];
        view.merge(snapshotOf(entries), 0, (entry) => applied.push(entry));
        expect(applied).toEqual(entries.slice(known));
      }),
    );
  });

  it('FOLLOW: a snapshot whose horizon lies beyond the view makes it jump, and supersedes what has not seen it', () => {
    const entries = floorsOf('user', 10);
    const view = viewOf(entries.slice(0, 3));
    expect(view.merge(snapshotOf(entries.slice(7), 7), 0)).toBe('jumped');
    expect(view).toMatchObject({ horizon: 7, applied: 10, size: 3, hasGap: false });
    const facts = { tid: 't1', uid: 'u1', sid: 's1', generation: 'g1', epoch: 5, tokenEpoch: 6 };
    expect(view.judge(facts)).toBe('superseded');
    expect(view.judge({ ...facts, tokenEpoch: 7 })).toBe('pass');
  });

  it('UPGRADE: an entry of an unknown scope stops the view, and is a known gap', () => {
    const view = viewOf();
    const strange: Entry = {
      generation: 'g1',
      position: 1,
      operationId: 'op1',
      scope: 'region',
      tid: null,
      uid: null,
      sid: null,
      sparedSid: null,
    };
    expect(view.apply(strange, 0)).toBe('unknown_scope');
    expect(view).toMatchObject({ applied: 0, hasGap: true, unknownScope: 'region' });
    expect(view.apply({ ...strange, position: 2, scope: 'all' }, 0)).toBe('gap');
    const joined = new View();
    joined.replace(snapshotOf([strange, { ...strange, position: 2, scope: 'all' }]));
    expect(joined).toMatchObject({ applied: 0, hasGap: true, unknownScope: 'region' });
  });

  it('FOLLOW: a snapshot with a hole is refused', () => {
    const entries = floorsOf('all', 4);
    const hole = entries.filter((entry) => entry.position !== 2);
    expect(() => draftOf(hole, [G])).toThrow(/hole/);
    expect(() => draftOf(entries, [G], { horizon: 1 })).toThrow(/hole/);
    const short = new Draft({
      head: { generation: 'g1', position: 4 },
      horizon: 0,
      lineage: [G],
    });
    short.add(entries.slice(0, 2), 0);
    expect(short.complete).toBe(false);
    expect(() => short.check()).toThrow(/hole/);
    short.add(entries.slice(2), 0);
    short.check();
  });

  it('B1 an entry of one tenant says nothing of another with the same ids', () => {
    const entry = {
      generation: 'g1',
      operationId: 'op',
      sparedSid: null,
      tid: 't0',
      uid: 'u0',
      sid: 's0',
    };
    const other: TokenFacts = {
      tid: 't1',
      uid: 'u0',
      sid: 's0',
      generation: 'g1',
      epoch: 0,
      tokenEpoch: 0,
    };
    for (const scope of ['tenant', 'user', 'session', 'reissue']) {
      const view = viewOf([{ ...entry, position: 1, scope }]);
      expect(view.judge(other)).toBe('pass');
      expect(view.judge({ ...other, tid: 't0' })).not.toBe('pass');
    }
  });

  it('the version grows with everything that can change a judgement', () => {
    const entries = floorsOf('all', 3);
    const view = viewOf();
    let last = view.version;
    const grew = () => {
      const before = last;
      last = view.version;
      return last > before;
    };
    for (const entry of entries) {
      view.apply(entry, 0);
      expect(grew()).toBe(true);
    }
    view.apply(entries[0] as Entry, 0);
    expect(grew()).toBe(false);
    view.continueIn([{ id: 'g2', parent: 'g1', parentEnd: 3, settled: false }, G]);
    expect(grew()).toBe(true);
    view.forget(MAX_ACCESS_TTL_MS * 3);
    expect(grew()).toBe(true);
    view.replace(snapshotOf(entries));
    expect(grew()).toBe(true);
  });
});

describe('FORGET', () => {
  const limitMs = MAX_ACCESS_TTL_MS + FORGET_MARGIN_MS;

  it('drops in order, by local age, and supersedes exactly the tokens that have not seen what was dropped', () => {
    fc.assert(
      fc.property(
        logArbitrary,
        fc.array(fc.nat(5000), { maxLength: 25 }),
        fc.nat(120_000),
        ({ entries, sessions }, gaps, later) => {
          const view = viewOf();
          const receivedMs: number[] = [];
          let nowMs = 0;
          entries.forEach((entry, index) => {
            nowMs += gaps[index] ?? 0;
            receivedMs.push(nowMs);
            view.apply(entry, nowMs);
          });
          const at = limitMs + later;
          const dropped = view.forget(at);
          expect(view.horizon).toBe(dropped);
          expect(view.applied).toBe(entries.length);
          // Never too early; and late by less than the step in which ages are noted.
          receivedMs.forEach((ms, index) => {
            if (at - ms <= limitMs) expect(index).toBeGreaterThanOrEqual(dropped);
            if (at - ms > limitMs + 1000) expect(index).toBeLessThan(dropped);
          });
          for (const facts of tokensOf(sessions, entries.length)) {
            expect(view.judge(facts)).toBe(
              judgeNaively(
                { entries: entries.slice(dropped), horizon: dropped, lineage: [G] },
                facts,
              ),
            );
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a view that forgets everything is as good as new, and goes on', () => {
    const entries = logOf(
      Array.from({ length: 9000 }, (_, index) => ({
        scope: (['user', 'session', 'tenant', 'reissue'] as const)[index % 4] ?? 'user',
        tid: `t${index % 7}`,
        uid: `u${index % 50}`,
        sid: `s${index}`,
        width: index % 4,
        spares: false,
      })),
      [],
    );
    const view = viewOf(entries.slice(0, 8000));
    // In bounded steps, so that a view that was loaded at once does not hold the event loop when it ages at once.
    expect(view.forget(limitMs + 1)).toBe(5000);
    expect(view.forget(limitMs + 1)).toBe(3000);
    expect(view.forget(limitMs + 1)).toBe(0);
    expect(view).toMatchObject({ size: 0, horizon: 8000, applied: 8000 });
    for (const entry of entries.slice(8000)) expect(view.apply(entry, limitMs + 1)).toBe('applied');
    expect([...view.range(8001, 9000)]).toEqual(entries.slice(8000));
    expect(
      view.judge({
        tid: 't3',
        uid: 'u3',
        sid: 'new',
        generation: 'g1',
        epoch: 8000,
        tokenEpoch: 8000,
      }),
    ).not.toBe('pass');
    expect(
      view.judge({
        tid: 'other',
        uid: 'u3',
        sid: 'new',
        generation: 'g1',
        epoch: 7999,
        tokenEpoch: 7999,
      }),
    ).toBe('superseded');
    expect(
      view.judge({
        tid: 'other',
        uid: 'u3',
        sid: 'new',
        generation: 'g1',
        epoch: 9000,
        tokenEpoch: 9000,
      }),
    ).toBe('pass');
  });

  it('SOCKETS: a connection that has survived what was forgotten is not concerned by it', () => {
    const entries = logOf(
      [{ scope: 'user', tid: 't0', uid: 'u0', sid: 's0', width: 0, spares: false }],
      [],
    );
    const view = viewOf(entries);
    view.forget(limitMs + 1);
    const facts = { tid: 't1', uid: 'u1', sid: 's1', generation: 'g1', epoch: 0, tokenEpoch: 0 };
    expect(view.judge(facts)).toBe('superseded');
    expect(view.judgeRegistered(facts)).toBe('pass');
  });

  it('BARRIER: knows since when it knew of an entry, never too early', () => {
    const entries = floorsOf('all', 6);
    const view = viewOf();
    entries.forEach((entry, index) => {
      view.apply(entry, index * 700);
    });
    entries.forEach((entry, index) => {
      expect(view.knownSinceMs(entry.position)).toBeGreaterThanOrEqual(index * 700);
      expect(view.knownSinceMs(entry.position)).toBeLessThan(index * 700 + 1000);
    });
    expect(view.knownSinceMs(7)).toBeUndefined();
  });
});

describe('a view and its lineage', () => {
  const g2: Generation = { id: 'g2', parent: 'g1', parentEnd: 3, settled: false };
  const entries = floorsOf('user', 5);
  const token = (generation: string, tokenEpoch: number): TokenFacts => ({
    tid: 't1',
    uid: 'u1',
    sid: 's1',
    generation,
    epoch: tokenEpoch,
    tokenEpoch,
  });

  it('LINEAGE: a prefix goes on, and tokens of the common part stay good', () => {
    const view = viewOf(entries.slice(0, 3));
    view.learn({ generation: 'g2', position: 3 });
    expect(view.hasGap).toBe(true);
    expect(view.judge(token('g2', 3))).toBe('unknown_generation');
    expect(view.continueIn([g2, G])).toBe(true);
    expect(view).toMatchObject({ generation: 'g2', applied: 3, hasGap: false });
    expect(view.judge(token('g1', 3))).toBe('pass');
    expect(view.judge(token('g1', 4))).toBe('superseded');
    expect(view.judge(token('g2', 9))).toBe('pass');
    expect(view.judge(token('g9', 0))).toBe('unknown_generation');
    expect(view.apply({ ...(entries[3] as Entry), generation: 'g2' }, 0)).toBe('applied');
  });

  it('LINEAGE: a view beyond the end of its generation does not, and names what was lost', () => {
    const view = viewOf(entries);
    expect(view.continueIn([g2, G])).toBe(false);
    expect(view.generation).toBe('g1');
    expect(view.lostIn([g2, G])).toEqual(entries.slice(3));
    expect(view.lostIn([G])).toEqual([]);
    expect(view.lostIn([{ id: 'g7', parent: null, parentEnd: 0, settled: true }])).toEqual(entries);
  });

  it('FOLLOW: an entry of a lost end, or of another history, is not applied', () => {
    const view = viewOf(entries.slice(0, 3));
    view.continueIn([g2, G]);
    expect(view.apply(entries[3] as Entry, 0)).toBe('foreign_generation');
    expect(view.apply({ ...(entries[3] as Entry), generation: 'g9' }, 0)).toBe(
      'foreign_generation',
    );
    expect(view.merge(snapshotOf(entries), 0)).toBe('foreign_generation');
    expect(view).toMatchObject({ applied: 3, hasGap: false });
  });

  it('meeting its own generation again does not hide a gap that it knows of', () => {
    const view = viewOf(entries.slice(0, 2));
    view.learn({ generation: 'g1', position: 5 });
    expect(view.continueIn([G])).toBe(true);
    expect(view.hasGap).toBe(true);
  });

  it('before its first snapshot a view knows nobody', () => {
    expect(new View().judge({ ...token('', 0) })).toBe('unknown_generation');
    expect(new View().apply(entries[0] as Entry, 0)).toBe('foreign_generation');
  });
});
