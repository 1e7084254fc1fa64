import type { LogRow } from '../../../src/record/contract.ts';
import { driftMarginMs, MAX_TERM_MS } from '../../../src/revocation/constants.ts';
import { judgeNaively } from '../naive-view.ts';
import { BrokenPromise } from './promises.ts';
import type { Place, Schedule } from './schedule.ts';

/** What a node needs to find its way back once everything works: some deadlines, and some heartbeats. */
const SETTLING_MS = 1500;
const BEATS_TO_SETTLE = 5;
/** A revocation that nothing stands in the way of. */
const BARRIER_MS = 3000;
/** First terms are waited out only where heartbeats are rare enough to be played through them. */
const SLOW_LEASE_MS = 1500;

/** Liveness: when every fault has ended, everything that was promised comes true. */
export async function recover(schedule: Schedule): Promise<void> {
  const { world, places } = schedule;
  schedule.calm();
  const leasesMs = places.map(({ node }) => node.leaseMs);
  const slowestMs = Math.max(...leasesMs);
  await world.run(SETTLING_MS + (BEATS_TO_SETTLE * slowestMs) / 3);
  schedule.probe();
  for (const place of places) if (isAlive(place)) checkServing(schedule, place);
  for (const place of places) if (isAlive(place)) checkView(schedule, place);
  checkHandedIn(schedule);
  await checkRefreshes(schedule);
  await checkBarriers(schedule, Math.min(...leasesMs));
  schedule.probe();
  for (const place of places) void place.node.follower.leave();
}

function isAlive({ node, leaving }: Place): boolean {
  return !node.killed && !leaving;
}

/** Every node serves, is fresh, and has applied the whole log. */
function checkServing({ world }: Schedule, { node }: Place): void {
  const { state, freshness, generation, applied } = node.follower.status();
  const { head } = world.record;
  const is = `${state} ${freshness} ${generation}/${applied}`;
  const should = `serving fresh ${head.generation}/${head.position}`;
  if (is !== should) throw new BrokenPromise('Liveness', `${node.name} is ${is}, not ${should}`);
}

/** Every view says what the log says. */
function checkView({ world, tokens, people }: Schedule, { node }: Place): void {
  const { lineage, horizon, entries } = world.record;
  for (const { facts } of [...tokens, ...people.clients.map(({ token }) => token.truth)]) {
    const { kind } = node.follower.judgeNow(facts);
    const should = judgeNaively({ lineage, horizon, entries }, facts);
    // A view may have forgotten what the record keeps, or kept what the record has let go of.
    if (kind !== should && kind !== 'superseded' && should !== 'superseded')
      throw new BrokenPromise('Liveness', `${node.name} calls ${kind} what is ${should}`);
  }
}

/** HAND IN: what was lost is back if anybody who held it is still there. */
function checkHandedIn({ world, lost }: Schedule): void {
  const there = new Set(world.record.entries.map(({ operationId }) => operationId));
  for (const { instance, holders } of lost) {
    const { operationId, generation, position } = instance.entry;
    const holder = holders.find(isAlive);
    if (holder !== undefined && !there.has(operationId))
      throw new BrokenPromise(
        'HAND IN',
        `${generation}/${position} was lost, ${holder.node.name} held it, and it is not back`,
      );
  }
}

/** Every refresh token that is good still is. */
async function checkRefreshes(schedule: Schedule): Promise<void> {
  const { people, world, someone } = schedule;
  if (someone === undefined) return;
  for (const client of [...people.clients]) {
    const refreshing = people.refresh(someone.node, someone.services, client);
    const came = await world.until(refreshing, BARRIER_MS);
    schedule.probe();
    // A refusal is judged where it comes.
    if (came !== true && people.clients.includes(client))
      throw new BrokenPromise('Liveness', `${someone.node.name} answers no refresh`);
  }
}

/** Whatever is asked again is everywhere. */
async function checkBarriers(schedule: Schedule, fastestMs: number): Promise<void> {
  const { world, dice, someone } = schedule;
  const { record } = world;
  if (someone === undefined || record.entries.length === 0) return;
  const settled = record.lineage[0]?.settled ?? false;
  if (!settled && fastestMs < SLOW_LEASE_MS) return;
  // FIRST TERM, and the terms of those that are gone.
  const there = new Set(schedule.places.filter(isAlive).map(({ node }) => node.follower.memberId));
  const gone = [...record.members.values()].filter(({ id }) => !there.has(id));
  const goneMs = Math.max(0, ...gone.map((row) => row.leaseMs + row.toleranceMs));
  const firstTermMs = settled ? 0 : MAX_TERM_MS + driftMarginMs(MAX_TERM_MS);
  const entry = dice.chance(0.5) ? record.entries.at(-1) : dice.pick(record.entries);
  if (entry === undefined) return;
  const row: LogRow = { ...entry, reason: null, committedAtMs: 0 };
  const waitMs = BARRIER_MS + goneMs + firstTermMs;
  const asking = schedule.code.standing(someone.services.services, row, waitMs);
  const answer = await world.until(asking, waitMs + 1000);
  if (answer?.barrier.effective !== 'everywhere')
    throw new BrokenPromise(
      'Liveness',
      `${entry.generation}/${entry.position} asked at ${someone.node.name} stays pending`,
    );
}
