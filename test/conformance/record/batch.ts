import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { Actor, Change, CommitOutcome, CommitRequest } from '../../../src/record/contract.ts';
import type { Subject } from '../../../src/revocation/types.ts';
import {
  actingSession,
  OPERATOR,
  ofSession,
  ofTenant,
  ofUser,
  request,
} from '../../support/requests.ts';
import {
  auditEvent,
  byHand,
  openSession,
  type RecordFixture,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const RUNS = { numRuns: 25 };
const HOUR_MS = 3_600_000;

/** Two administrators and somebody else, with two sessions each. */
const ROLES = [['admin'], ['admin', 'member'], ['member']];
const SESSIONS_EACH = 2;

interface World {
  readonly tid: string;
  readonly uids: readonly string[];
  readonly sids: readonly string[];
  /** What each id is called in every world. */
  readonly names: ReadonlyMap<string, string>;
  readonly base: number;
}

interface Step {
  readonly what: 'user' | 'session' | 'tenant' | 'own' | 'demote' | 'disable' | 'reissue';
  /** Number of the acting session; -1 is the operator, -2 Sekisho itself. */
  readonly actor: number;
  /** Number of the user or session that it is about; one too many is one that does not exist. */
  readonly target: number;
  readonly spares: boolean;
  /** The change that ends just what the entry ends, as administrators' calls have it. */
  readonly ends: boolean;
  /** Number of an earlier request whose id is used again. */
  readonly again: number | null;
  readonly key: number | null;
  readonly handIn: boolean;
  readonly late: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('user', 'user', 'session', 'tenant', 'own', 'demote', 'disable', 'reissue'),
  actor: fc.integer({ min: -2, max: 5 }),
  target: fc.integer({ min: 0, max: 6 }),
  spares: fc.boolean(),
  ends: fc.boolean(),
  again: fc.option(fc.nat({ max: 5 }), { freq: 6 }),
  key: fc.option(fc.nat({ max: 1 }), { freq: 4 }),
  handIn: fc.boolean(),
  late: fc.oneof(
    { weight: 9, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
});

/** What one request of a batch writes, those after it see: so a batch is what its requests are singly. */
export function batchSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`batches on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function makeWorld(): Promise<World> {
      const { tid } = await seedTenant(fixture);
      const names = new Map<string, string>([[tid, 'tenant']]);
      const uids: string[] = [];
      const sids: string[] = [];
      for (const roles of ROLES) {
        const uid = await seedUser(fixture, tid, { roles });
        names.set(uid, `user ${uids.length}`);
        uids.push(uid);
        for (let n = 0; n < SESSIONS_EACH; n += 1) {
          const { sid } = await openSession(fixture, tid, uid);
          names.set(sid, `session ${sids.length}`);
          sids.push(sid);
        }
      }
      const { head } = await fixture.record.log.head();
      return { tid, uids, sids, names, base: head.position };
    }

    test('BATCH AUTHORITY ASVS 15.4.2 a batch is what its requests are one after the other', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
          const together = await makeWorld();
          const outcomes = await fixture.record.log.commit(requestsOf(together, steps));
          const first = await described(together, outcomes);
          const apart = await makeWorld();
          const singly: CommitOutcome[] = [];
          for (const one of requestsOf(apart, steps)) {
            singly.push(...(await fixture.record.log.commit([one])));
          }
          expect(first).toEqual(await described(apart, singly));
        }),
        RUNS,
      );
    });

    test('BATCH HAND IN an entry that is handed in twice in one batch happens once', async () => {
      const world = await makeWorld();
      const lost = {
        ...request({ revoke: [ofUser(world.tid, world.uids[0] ?? '')] }),
        actor: { kind: 'system' } as const,
        handIn: true,
      };
      const outcomes = await fixture.record.log.commit([
        lost,
        request({ revoke: [ofTenant(world.tid)] }),
        lost,
      ]);
      expect(outcomes.map((outcome) => outcome.kind)).toEqual([
        ...['committed', 'committed', 'duplicate'],
      ]);
      const { head } = await fixture.record.log.head();
      expect(head.position).toBe(world.base + 2);
    });

    /** What came of it, in words that are the same in every world. */
    async function described(world: World, outcomes: readonly CommitOutcome[]) {
      const { tid, names, base } = world;
      const named = (value: unknown): unknown =>
        typeof value === 'string' ? (names.get(value) ?? 'an id') : value;
      const rows = async (text: string) =>
        (await byHand(fixture.database, { text, values: [tid] })).map((row) =>
          Object.fromEntries(
            Object.entries(row).map(([column, value]) => [
              column,
              column === 'position' && typeof value === 'number'
                ? value - base
                : column.endsWith('id')
                  ? named(value)
                  : value,
            ]),
          ),
        );
      const byContent = (all: Record<string, unknown>[]) =>
        all.map((row) => JSON.stringify(row)).sort();
      return {
        outcomes: outcomes.map((outcome) => {
          if (outcome.kind === 'committed') {
            const entries = outcome.entries.map(({ position, scope, uid, sid, sparedSid }) =>
              [position - base, scope, named(uid), named(sid), named(sparedSid)].join(' '),
            );
            const head = outcome.head.position - base;
            return [outcome.kind, head, entries, outcome.user?.roles, outcome.user?.status];
          }
          return outcome.kind === 'duplicate'
            ? [outcome.kind, outcome.row === null ? null : outcome.row.position - base]
            : [outcome.kind];
        }),
        log: await rows(
          `select position, scope, uid, sid, spared_sid, actor_kind, actor_uid, actor_sid, reason
             from sekisho.revocation where tid = $1 order by revocation.position`,
        ),
        sessions: byContent(
          await rows(`select sid, ended_how from sekisho.session where tid = $1`),
        ),
        floors: byContent(
          await rows(`select uid, epoch as position, spared_sid from sekisho.floor where tid = $1`),
        ),
        reissues: byContent(
          await rows(`select uid, sid, position from sekisho.reissue where tid = $1`),
        ),
        operations: byContent(
          await rows(`select outcome, position from sekisho.operation where tid = $1`),
        ),
        users: byContent(
          await rows(`select uid, roles, status, version from sekisho.tenant_user where tid = $1`),
        ),
        audit: byContent(
          await rows(
            `select detail from sekisho.audit where tid = $1 and action = 'session_revoked'`,
          ),
        ),
        keys: byContent(await rows(`select uid, key from sekisho.idempotency_key where tid = $1`)),
        head: (await fixture.record.log.head()).head.position - base,
      };
    }
  });
}

function requestsOf(world: World, steps: readonly Step[]): CommitRequest[] {
  const { tid } = world;
  const ids = steps.map(() => newId());
  return steps.map((one, index): CommitRequest => {
    const again = one.again === null || one.again >= index ? undefined : ids[one.again];
    const actor = actorOf(world, one);
    return request({
      operationId: again ?? ids[index] ?? newId(),
      actor,
      ...whatOf(world, one),
      nowMs: one.late ? START_MS + 1000 * HOUR_MS : START_MS + index,
      audit: [auditEvent(tid, 'session_revoked', { detail: { step: index } })],
      idempotency:
        one.key === null ? null : { key: `key ${one.key}`, bodyHash: new Uint8Array(32).fill(1) },
      ...(one.handIn && actor.kind === 'system' ? { handIn: true } : {}),
    });
  });
}

function actorOf({ tid, uids, sids }: World, { what, actor }: Step): Actor {
  if (actor === -1) return OPERATOR;
  if (actor === -2) return { kind: 'system' };
  const [uid = '', sid = ''] = [uids[Math.floor(actor / SESSIONS_EACH)], sids[actor]];
  return what === 'own' ? { kind: 'token', tid, uid, sid } : actingSession(tid, uid, sid);
}

function whatOf(world: World, one: Step): Pick<CommitRequest, 'revoke' | 'change'> {
  const { tid, uids, sids } = world;
  const uid = uids[one.target % (uids.length + 1)] ?? 'nobody';
  const sid = sids[one.target] ?? 'none';
  const spared = one.spares ? (sids[one.actor] ?? null) : null;
  const ended = (subject: Subject): Change | null =>
    one.ends
      ? {
          kind: 'session_end',
          tid,
          uid: subject.scope === 'session' ? null : subject.uid,
          sid: subject.sid,
          sparedSid: subject.sparedSid,
          how: one.spares ? 'logout' : 'revoked',
        }
      : null;
  const revoking = (subject: Subject) => ({ revoke: [subject], change: ended(subject) });
  switch (one.what) {
    case 'user':
      return revoking(ofUser(tid, uid, spared));
    case 'session':
      return revoking(ofSession(tid, null, sid));
    case 'own':
      return revoking(
        ofSession(tid, uids[Math.floor(one.actor / SESSIONS_EACH)] ?? null, sids[one.actor] ?? sid),
      );
    case 'tenant':
      return revoking(ofTenant(tid, spared));
    case 'demote':
      return {
        revoke: [{ scope: 'reissue', tid, uid, sid: null, sparedSid: null }],
        change: { kind: 'user_patch', tid, uid, ifVersion: null, roles: ['member'] },
      };
    case 'disable':
      return {
        revoke: [ofUser(tid, uid), { scope: 'reissue', tid, uid, sid: null, sparedSid: null }],
        change: { kind: 'user_patch', tid, uid, ifVersion: null, status: 'disabled' },
      };
    case 'reissue':
      return {
        revoke: [{ scope: 'reissue', tid, uid: null, sid, sparedSid: null }],
        change: null,
      };
  }
}
