import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OperationChange } from '../../../src/record/operations-contract.ts';
import { DEFAULT_POLICY } from '../../../src/tenant/policy.ts';
import { commitOne } from '../../support/requests.ts';
import { byHand, openSession, START_MS, seedTenant, seedUser } from '../../support/seed.ts';
import type { PolicyTools } from './past-policies.ts';

const at = (seconds: number): number => START_MS + seconds * 1000;

/** Seconds that a session may be idle, and live. A ceiling need not say both. */
interface Lives {
  readonly idle: number;
  readonly absolute: number;
}

interface ForAWhile {
  readonly lives: Lives;
  readonly until: number;
}

interface ModelSession {
  readonly sid: string;
  readonly created: number;
  /** What it was given for its life. */
  readonly own: Lives;
  seen: number;
  ended: boolean;
}

/** Somebody who looks at every session each half second, and remembers. */
class Watcher {
  now = 0;
  lasting: Lives;
  override: ForAWhile | null = null;
  ceiling: ForAWhile | null = null;
  readonly sessions: ModelSession[] = [];

  constructor(lasting: Lives) {
    this.lasting = lasting;
  }

  /** The policy of the tenant that is in force. */
  policyAt(t: number): Lives {
    return this.override !== null && t < this.override.until ? this.override.lives : this.lasting;
  }

  advance(to: number): void {
    for (; this.now <= to; this.now += 0.5) this.look();
    this.now = to;
  }

  /** Also right after a change. */
  look(): void {
    const t = this.now;
    const ceilings = this.ceiling !== null && t < this.ceiling.until ? [this.ceiling.lives] : [];
    for (const session of this.sessions) {
      const limits = [session.own, this.policyAt(t), ...ceilings];
      session.ended ||= limits.some(
        ({ idle, absolute }) => t >= session.created + absolute || session.seen + idle < t,
      );
    }
  }

  login(sid: string): void {
    const { lasting, now } = this;
    const present = this.policyAt(now);
    const own = {
      idle: Math.max(lasting.idle, present.idle),
      absolute: Math.max(lasting.absolute, present.absolute),
    };
    this.sessions.push({ ...{ sid, own, created: now, seen: now, ended: false } });
  }
}

/** Policies, overrides, ceilings, logins and use, one after the other in any order, on one tenant. */
export function lifetimesModelTests({ fixture, put, stateOf, sweptThrough }: PolicyTools): void {
  const seconds = (min: number, max: number) => fc.integer({ min, max });
  const lives = fc.record({ idle: seconds(3, 40), absolute: seconds(3, 60) });
  const step = fc.record({
    ...{ after: seconds(1, 12), lives, lasts: seconds(1, 40), which: seconds(0, 20) },
    act: fc.constantFrom(
      ...(['policy', 'override', 'end override', 'ceiling', 'end ceiling'] as const),
      ...(['login', 'login', 'use', 'use', 'wait'] as const),
    ),
    // A ceiling of one of them alone.
    says: fc.constantFrom('both', 'idle', 'absolute'),
  });

  const policyOf = ({ idle, absolute }: Lives) => ({
    ...{ ...DEFAULT_POLICY, max_sessions_per_user: 1_000 },
    ...{ idle_timeout: idle, absolute_timeout: absolute },
  });

  test('A8 ASVS 7.3.1 policies, overrides and ceilings, put and ended in any order while sessions are opened and used: who was expired stays so, and nobody else is (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        lives,
        fc.array(step, { minLength: 8, maxLength: 24 }),
        async (first, steps) => {
          await byHand(fixture().database, { text: 'delete from sekisho.override' });
          await sweptThrough(0);
          const { tid } = await seedTenant(fixture(), policyOf(first));
          const uid = await seedUser(fixture(), tid);
          const model = new Watcher(first);

          const operate = async (parts: object): Promise<string> => {
            const base = { tid: null, by: 'noor', node: null, override: 'lifetimes' } as const;
            const change = { ...base, ...parts } as OperationChange;
            return (await commitOne(fixture(), { nowMs: at(model.now), change })).kind;
          };

          for (const [n, one] of steps.entries()) {
            model.advance(model.now + one.after);
            const { now } = model;
            const until = now + one.lasts;
            await sweptThrough(now);
            switch (one.act) {
              case 'policy':
                await put(tid, policyOf(one.lives), now, null);
                model.lasting = one.lives;
                model.override = null;
                break;
              case 'override':
                await put(tid, policyOf(one.lives), now, until);
                model.override = { lives: one.lives, until };
                break;
              case 'end override':
                // What an administrator does who ends it early: the policy beneath it, for good.
                await put(tid, policyOf(model.lasting), now, null);
                model.override = null;
                break;
              case 'ceiling': {
                const { idle, absolute } = one.lives;
                const value = {
                  ...(one.says === 'absolute' ? {} : { idle_timeout: idle }),
                  ...(one.says === 'idle' ? {} : { absolute_timeout: absolute }),
                };
                const id = `${tid}-${n}`;
                await operate({ kind: 'override_put', id, value, untilMs: at(until) });
                const none = Number.POSITIVE_INFINITY;
                model.ceiling = {
                  lives: {
                    idle: one.says === 'absolute' ? none : idle,
                    absolute: one.says === 'idle' ? none : absolute,
                  },
                  until,
                };
                break;
              }
              case 'end ceiling': {
                const isThere = model.ceiling !== null && now < model.ceiling.until;
                expect(await operate({ kind: 'override_end' })).toBe(
                  isThere ? 'committed' : 'not_found',
                );
                model.ceiling = null;
                break;
              }
              case 'login':
                model.login((await openSession(fixture(), tid, uid, at(now))).sid);
                break;
              case 'use': {
                const session = model.sessions[one.which % Math.max(1, model.sessions.length)];
                if (session === undefined) break;
                const touched = { tid, sid: session.sid, atMs: at(now) };
                await fixture().record.sessions.touch([touched], at(now));
                if (!session.ended) session.seen = now;
                break;
              }
            }
            model.look();
            const page = { limit: 100, cursor: null };
            const active = await fixture().record.sessions.list(tid, uid, 'active', page, at(now));
            expect(active.map(({ sid }) => sid).sort(), `after step ${n}: ${one.act}`).toEqual(
              model.sessions
                .filter(({ ended }) => !ended)
                .map(({ sid }) => sid)
                .sort(),
            );
          }
          // Long after: nobody comes back, and who lives ends by what was given at login at the latest.
          for (const { sid, ended } of model.sessions) {
            if (ended) expect(await stateOf(tid, sid, model.now + 1)).toBe('expired');
          }
        },
      ),
      { numRuns: 20 },
    );
  });
}
