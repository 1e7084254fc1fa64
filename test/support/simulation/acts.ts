import { isSekishoError } from '../../../src/errors.ts';
import type { Subject } from '../../../src/revocation/types.ts';
import type { Act } from '../../../src/session/revoke.ts';
import { expected, type Person } from './people.ts';
import type { Place, Schedule } from './schedule.ts';
import { hashOf } from './services.ts';

/** `perform`, as every route that revokes does, and then the answer: its barrier is listened to by the place itself. */
export function act(
  schedule: Schedule,
  place: Place,
  what: Omit<Act, 'audit' | 'reason'> | null,
): void {
  if (what === null) return;
  const waitMs = schedule.dice.pick([0, 300, 2000, 40_000] as const) ?? 2000;
  const doing = schedule.code.perform(place.services.services, {
    waitMs,
    ...what,
    reason: null,
    audit: [],
  });
  // The request is sent before `perform` first waits.
  const operationId = schedule.asked.at(-1)?.operationId ?? '';
  schedule.inBackground(
    doing.catch((error: unknown) => {
      expected(error);
      if (isSekishoError(error) && error.code !== 'outcome_unknown')
        schedule.promises.nothingDone(operationId, `${error.code} was the answer`);
    }),
  );
}

/** Sekisho's own, of whatever scope, at whatever is there. */
export function revocation(schedule: Schedule): Omit<Act, 'audit' | 'reason'> | null {
  const { dice, tokens, people } = schedule;
  const facts = dice.pick([...tokens, ...people.clients.map(({ token }) => token.truth)])?.facts;
  if (facts === undefined) return null;
  const { tid, uid, sid } = facts;
  const others = tokens.filter((other) => other.facts.tid === tid);
  const sparedSid = dice.chance(0.3) ? (dice.pick(others)?.facts.sid ?? null) : null;
  const scope = dice.pick([
    'user',
    'user',
    'session',
    'session',
    'tenant',
    'reissue',
    'all',
  ] as const);
  const nobody = { tid: null, uid: null, sid: null, sparedSid: null };
  const subjects: Record<NonNullable<typeof scope>, Subject> = {
    all: { ...nobody, scope: 'all' },
    tenant: { ...nobody, scope: 'tenant', tid, sparedSid },
    user: { ...nobody, scope: 'user', tid, uid, sparedSid },
    session: { ...nobody, scope: 'session', tid, uid, sid },
    reissue: { ...nobody, scope: 'reissue', tid, uid, sid: dice.chance(0.3) ? sid : null },
  };
  return { actor: { kind: 'system' }, revoke: [subjects[scope ?? 'user']], change: null };
}

/** An administrator, with a session of theirs (AUTHORITY). */
export function administer(schedule: Schedule): void {
  const { dice, people, someone } = schedule;
  const admin = dice.pick(people.clients);
  const victim = dice.pick(people.persons.filter(({ tid }) => tid === admin?.person.tid));
  if (someone === undefined || admin === undefined || victim === undefined) return;
  const { tid } = admin.person;
  const { uid } = victim;
  const nobody = { tid, uid: null, sid: null, sparedSid: null };
  const whole = { revoke: [{ ...nobody, scope: 'user', uid } as const], change: null };
  const acts: Pick<Act, 'revoke' | 'change'>[] = [
    whole,
    whole,
    { revoke: [{ ...nobody, scope: 'tenant', sparedSid: admin.sid }], change: null },
    rolesOf(schedule, victim),
    {
      revoke: [{ ...nobody, scope: 'user', uid }],
      change: { kind: 'user_patch', tid, uid, ifVersion: null, status: 'disabled' },
    },
    {
      revoke: [],
      change: { kind: 'user_patch', tid, uid, ifVersion: null, status: 'active' },
    },
  ];
  const what = dice.pick(acts);
  if (what === undefined) return;
  const actor = {
    kind: 'session',
    tid,
    uid: admin.person.uid,
    sid: admin.sid,
    role: 'admin',
  } as const;
  act(schedule, someone, { actor, ...what });
}

function rolesOf(schedule: Schedule, { tid, uid }: Person): Pick<Act, 'revoke' | 'change'> {
  const roles = schedule.dice.chance(0.5) ? ['admin'] : ['member'];
  return {
    revoke: [{ scope: 'reissue', tid, uid, sid: null, sparedSid: null }],
    change: { kind: 'user_patch', tid, uid, ifVersion: null, roles },
  };
}

/** Somebody changes their own password: every other session of theirs ends, and older tokens of this one. */
export function changePassword(schedule: Schedule): void {
  const { dice, people, someone } = schedule;
  const client = dice.pick(people.clients);
  if (someone === undefined || client === undefined) return;
  const { person, sid } = client;
  const { tid, uid } = person;
  schedule.sids += 1;
  const password = `${uid}-${schedule.sids}`;
  const doing = schedule.code.perform(someone.services.services, {
    actor: { kind: 'session', tid, uid, sid, role: null },
    revoke: [
      { scope: 'user', tid, uid, sid: null, sparedSid: sid },
      { scope: 'reissue', tid, uid, sid, sparedSid: null },
    ],
    change: {
      kind: 'password_set',
      tid,
      uid,
      passwordHash: hashOf(password),
      regenerate: null,
    },
    reason: null,
    audit: [],
    waitMs: 500,
  });
  schedule.inBackground(
    doing.then((done) => {
      // Whose answer was lost tries the old one next, and then the new one.
      if (done.committed !== null) person.password = password;
    }, expected),
  );
}

/** BARRIER: whoever asks later runs a barrier of its own, on any node. */
export function ask(schedule: Schedule, abandon: boolean): void {
  const { dice, someone, asked } = schedule;
  const operation = dice.pick(asked.slice(-6));
  if (someone === undefined || operation === undefined) return;
  schedule.inBackground(askOnce(schedule, someone, operation, abandon).catch(expected));
}

async function askOnce(
  schedule: Schedule,
  { node, services }: Place,
  { tid, operationId }: { readonly tid: string | null; readonly operationId: string },
  abandon: boolean,
): Promise<void> {
  const state = abandon
    ? await node.log.operationOrAbandon(tid, operationId)
    : await node.log.operation(tid, operationId);
  if (state.kind === 'abandoned')
    schedule.promises.nothingDone(operationId, 'it was called abandoned');
  if (state.kind === 'committed' && state.row !== null)
    await schedule.code.standing(services.services, state.row, 2000, state.last ?? state.row);
}
