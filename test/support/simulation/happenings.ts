import {
  FORGET_MARGIN_MS,
  MAX_ACCESS_TTL_MS,
  MAX_TERM_MS,
} from '../../../src/revocation/constants.ts';
import { act, administer, ask, changePassword, revocation } from './acts.ts';
import { TENANTS } from './people.ts';
import type { Schedule } from './schedule.ts';
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
  /** RESTORE: declared as soon as the record is there, so that what was revoked after the backup does not come back. */
  restore(schedule) {
    failOver(schedule, schedule.dice.between(500, 8000));
    later(schedule, schedule.dice.between(0, 1500), () => {
      const place = schedule.someone;
      if (place === undefined) return;
      const everybody = { scope: 'all', tid: null, uid: null, sid: null, sparedSid: null } as const;
      act(schedule, place, {
        actor: { kind: 'operator', name: 'simulation' },
        revoke: [everybody],
        change: null,
        restored: schedule.world.newId(),
      });
    });
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
