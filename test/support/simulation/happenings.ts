import {
  FORGET_MARGIN_MS,
  MAX_ACCESS_TTL_MS,
  MAX_TERM_MS,
} from '../../../src/revocation/constants.ts';
import type { Subject } from '../../../src/revocation/types.ts';
import type { Act } from '../../../src/session/revoke.ts';
import { appendEntry } from './commit.ts';
import { expected, type Person, TENANTS } from './people.ts';
import type { Place, Schedule } from './schedule.ts';
import { hashOf } from './services.ts';
import { sessionAt, stateOf } from './session-rows.ts';
import type { Happening } from './themes.ts';

/** Longer than any token lives, and than the record keeps what views have forgotten. */
const KEPT_MS = MAX_ACCESS_TTL_MS + FORGET_MARGIN_MS + MAX_TERM_MS + 10_000;

/** What each happening does. None of them waits: the world goes on afterwards. */
export const HAPPENINGS: Readonly<Record<Happening, (schedule: Schedule) => void>> = {
  mint,
  remint,
  connect(schedule) {
    const place = schedule.someone;
    const truth = schedule.dice.pick([
      ...schedule.tokens,
      ...schedule.people.clients.map(({ token }) => token.truth),
    ]);
    if (place !== undefined && truth !== undefined) schedule.connect(place, truth);
  },
  revoke(schedule) {
    const place = schedule.someone;
    if (place !== undefined) act(schedule, place, revocation(schedule));
  },
  /** BATCH: many at once on one node. */
  burst(schedule) {
    const place = schedule.someone;
    if (place === undefined) return;
    for (let count = schedule.dice.int(2, 6); count > 0; count -= 1)
      act(schedule, place, revocation(schedule));
  },
  askLater: (schedule) => ask(schedule, false),
  askElsewhere: (schedule) => ask(schedule, true),
  logIn(schedule) {
    const { people, dice, someone } = schedule;
    const person = dice.pick(people.persons);
    if (someone !== undefined && person !== undefined)
      schedule.inBackground(people.logIn(someone.node, someone.services, person));
  },
  refresh(schedule) {
    const { people, dice, someone } = schedule;
    const client = dice.pick(people.clients);
    if (someone !== undefined && client !== undefined)
      schedule.inBackground(people.refresh(someone.node, someone.services, client));
  },
  request(schedule) {
    const { people, dice, someone } = schedule;
    const client = dice.pick(people.clients);
    if (someone === undefined || client === undefined) return;
    const fresh = dice.chance(0.3);
    schedule.inBackground(people.request(someone.node, someone.services, client.token, fresh));
  },
  administer,
  changePassword,

  hubWeather({ world: { faults }, dice }) {
    faults.hubLoss = dice.chance(0.5) ? 0 : dice.random();
    faults.hubLatencyMs = dice.chance(0.5) ? 4 : dice.between(0, 600);
    faults.hubDouble = dice.chance(0.5) ? 0 : dice.random();
    faults.hubForged = dice.chance(0.5) ? 0 : dice.random();
  },
  hubFails({ world: { faults }, dice }) {
    faults.hubWorks = dice.chance(0.5);
  },
  recordWeather({ world: { faults }, dice }) {
    faults.latencyMs = dice.chance(0.5) ? 4 : dice.between(0, 120);
    faults.lostAnswer = dice.chance(0.6) ? 0 : dice.between(0, 0.3);
    faults.lostStatement = dice.chance(0.6) ? 0 : dice.between(0, 0.3);
    faults.lateStatement = dice.chance(0.6) ? 0 : dice.between(0, 0.2);
  },
  /** Some answers take far longer than others. */
  slowAnswers({ world: { faults }, dice }) {
    faults.slowAnswer = dice.chance(0.3) ? 0 : dice.between(0, 0.4);
  },
  recordDown(schedule) {
    schedule.world.faults.recordDown = true;
    later(schedule, schedule.dice.pick([50, 200, 800, 2500]) ?? 0, () => {
      schedule.world.faults.recordDown = false;
    });
  },
  cutOff(schedule) {
    const node = schedule.dice.pick(schedule.places)?.node;
    if (node !== undefined) node.cutOff = schedule.dice.chance(0.6);
  },

  stall: (schedule) => stop(schedule, [5, 30, 100, 250, 700]),
  stop: (schedule) => stop(schedule, [400, 2000, 6000, 12_000]),
  kill(schedule) {
    const place = schedule.someone;
    if (place === undefined || schedule.running.length < 2) return;
    place.node.killed = true;
    schedule.note(`${place.node.name} is killed`);
  },
  join(schedule) {
    schedule.addNode();
  },
  leave(schedule) {
    const place = schedule.someone;
    if (place === undefined || schedule.running.length < 2) return;
    place.leaving = true;
    schedule.note(`${place.node.name} leaves`);
    schedule.inBackground(place.node.follower.leave());
  },

  /** Nothing is lost: a restart, or a failover to a synchronous standby. */
  restart: (schedule) => failOver(schedule, 0),
  /** What the replica had not got yet is lost. */
  failOver: (schedule) => failOver(schedule, schedule.replicaLagMs),
  replicaLags(schedule) {
    schedule.replicaLagMs = schedule.dice.pick([0, 5, 40, 150, 500, 1500]) ?? 0;
  },
  /** The next primary that is replaced goes on answering some of the nodes. */
  oldPrimary(schedule) {
    const { dice, places, theme } = schedule;
    const lagMs = theme.rates.replicaLags === undefined ? 0 : schedule.replicaLagMs;
    failOver(schedule, lagMs);
    const old = schedule.oldPrimary;
    if (old === null) return;
    old.writable = theme.promised === false;
    for (const { node } of places) {
      if (dice.chance(0.5))
        node.stray = { server: old, share: dice.pick([0.2, 0.5, 1] as const) ?? 1 };
    }
    later(schedule, dice.pick([100, 500, 2000]) ?? 0, () => {
      for (const { node } of places) if (node.stray?.server === old) node.stray = null;
    });
  },
  /** Undeclared: a backup of earlier is put in place. */
  putBack: (schedule) => failOver(schedule, schedule.dice.between(500, 8000)),
  /** RESTORE: declared, so that what was revoked after the backup does not come back. */
  restore(schedule) {
    const { world, dice } = schedule;
    failOver(schedule, dice.between(500, 8000));
    const { primary } = world.record;
    const { state } = primary;
    const id = world.newId();
    const begun = { id, parent: state.newest.id, parentEnd: state.head.position, settled: false };
    state.setGenerations([...state.generations, begun], primary.identity);
    const everybody = { scope: 'all', tid: null, uid: null, sid: null, sparedSid: null } as const;
    appendEntry(primary, world.newId(), everybody, primary.nowMs());
  },

  /** Every process is stopped for longer than tokens live: a suspended host. */
  sleep(schedule) {
    schedule.sleepMs = KEPT_MS * schedule.dice.between(0.9, 1.3);
  },
  /** Somebody sets the record's wall clock. */
  clockStep({ world: { record }, dice }) {
    record.primary.clockOffsetMs = dice.between(-10_000, 10_000);
  },
  /** FORGET, the record's side. */
  trim({ world: { record, nowMs } }) {
    let position = record.horizon;
    for (const { entry, atMs } of record.primary.state.committed) {
      if (nowMs - atMs < KEPT_MS) break;
      position = entry.position;
    }
    record.trim(position);
  },
};

// ── Tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A session of one of a few users, and a token minted at the record's head. */
function mint(schedule: Schedule): void {
  const { world, dice } = schedule;
  const { head, identityAgrees, history, primary } = world.record;
  if (!identityAgrees) return;
  const user = dice.int(0, 2);
  const tid = TENANTS[user % 2] ?? TENANTS[0];
  const uid = `s${user}`;
  schedule.sids += 1;
  const sid = `sid${schedule.sids}`;
  primary.state.sessions.set(sid, sessionAt(head, { tid, uid, sid, nowMs: primary.nowMs() }));
  schedule.keepToken({
    facts: {
      tid,
      uid,
      sid,
      generation: head.generation,
      epoch: head.position,
      tokenEpoch: head.position,
    },
    credentialsSeq: history.seq,
    rolesSeq: history.seq,
    mintedAtMs: world.nowMs,
  });
}

/** Another token of such a session, if the record would give one. */
function remint(schedule: Schedule): void {
  const { world, dice } = schedule;
  const { head, identityAgrees, history, primary } = world.record;
  const old = dice.pick(schedule.tokens);
  const row = old === undefined ? undefined : primary.state.sessions.get(old.facts.sid);
  if (old === undefined || row === undefined || !identityAgrees) return;
  if (stateOf(primary.state, row, primary.nowMs()) !== 'active') return;
  schedule.keepToken({
    facts: { ...old.facts, generation: head.generation, tokenEpoch: head.position },
    credentialsSeq: old.credentialsSeq,
    rolesSeq: history.seq,
    mintedAtMs: world.nowMs,
  });
}

// ── Revocations ───────────────────────────────────────────────────────────────────────────────────────────────────

/** `perform`, as every route that revokes does, and then the answer: its barrier is listened to by the place itself. */
function act(schedule: Schedule, place: Place, what: Omit<Act, 'audit' | 'reason'> | null): void {
  if (what === null) return;
  const waitMs = schedule.dice.pick([0, 300, 2000, 40_000] as const) ?? 2000;
  const doing = schedule.code.perform(place.services.services, {
    waitMs,
    ...what,
    reason: null,
    audit: [],
  });
  schedule.inBackground(doing.catch(expected));
}

/** Sekisho's own, of whatever scope, at whatever is there. */
function revocation(schedule: Schedule): Omit<Act, 'audit' | 'reason'> | null {
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
function administer(schedule: Schedule): void {
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
function changePassword(schedule: Schedule): void {
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
function ask(schedule: Schedule, abandon: boolean): void {
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
  if (state.kind === 'committed' && state.row !== null)
    await schedule.code.standing(services.services, state.row, 2000);
}

// ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────────

function later(schedule: Schedule, delayMs: number, run: () => void): void {
  schedule.world.at(schedule.world.nowMs + delayMs, run);
}

function stop(schedule: Schedule, durations: readonly number[]): void {
  const place = schedule.someone;
  if (place === undefined) return;
  const ms = schedule.dice.pick(durations) ?? 0;
  place.node.paused = true;
  schedule.note(`${place.node.name} is stopped for ${ms}`);
  later(schedule, ms, () => schedule.goOn(place));
}

/** Another server takes over, after a while in which none answers. */
function failOver(schedule: Schedule, lagMs: number): void {
  const { world, dice, promises } = schedule;
  const { record, nowMs } = world;
  schedule.note(`fails over, losing ${lagMs}`);
  const holders = schedule.holders();
  if (lagMs > 0) promises.losses.push({ untilMs: nowMs - lagMs, atMs: nowMs });
  schedule.oldPrimary = record.failOver(lagMs > 0 ? nowMs - lagMs : nowMs);
  schedule.rememberLost(holders);
  record.primary.clockOffsetMs = dice.between(-10_000, 10_000);
  world.faults.recordDown = true;
  later(schedule, dice.pick([0, 50, 400, 1200]) ?? 0, () => {
    world.faults.recordDown = false;
  });
}
