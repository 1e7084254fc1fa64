import type { CommitRequest } from '../../../src/record/contract.ts';
import { FORGET_MARGIN_MS, MAX_ACCESS_TTL_MS } from '../../../src/revocation/constants.ts';
import type { TokenFacts } from '../../../src/revocation/types.ts';
import type { SimulatedNode, Simulation } from '../simulation.ts';
import type { Instance, Truth } from './history.ts';
import type { RecordState } from './tables.ts';

/** A promise of docs/protocol.md section 8, or of the rule that it names, was not kept. */
export class BrokenPromise extends Error {
  readonly promise: string;

  constructor(promise: string, what: string) {
    super(`${promise}: ${what}`);
    this.promise = promise;
  }
}

/** An answer that let somebody in. */
export interface Acceptance {
  readonly how: string;
  readonly node: SimulatedNode;
  readonly truth: Truth;
  /** When the request began. */
  readonly startedMs: number;
  readonly freshness: 'fresh' | 'stale';
  /** FRESH: it asked for a proof of its own. */
  readonly exact?: boolean;
}

/** Holds every answer against the omniscient history. Counts what it looked at, so that an idle world is noticed. */
export class Promises {
  readonly #world: Simulation;
  /** Whether the record may have put sessions, or lineage, back. */
  readonly losses: { readonly untilMs: number; readonly atMs: number }[] = [];
  /** How many commits there had been when the record read the credentials of a session. */
  readonly sessions = new Map<string, number>();
  /** Operations of which somebody was told that nothing was done, and when. */
  readonly #undone = new Map<string, number>();
  passes = 0;
  refusals = 0;
  everywhere = 0;

  constructor(world: Simulation) {
    this.#world = world;
    world.record.witness = (state, request) => this.acting(state, request);
  }

  /** Bound, Early return and FRESH. */
  accepted({ how, node, truth, startedMs, freshness, exact = false }: Acceptance): void {
    const { nowMs, record } = this.#world;
    this.passes += 1;
    const boundMs = node.leaseMs + (freshness === 'stale' ? node.toleranceMs : 0);
    for (const hit of record.history.hits(truth)) {
      // What was lost is nobody's promise until it was handed in, which is a commit of its own.
      if (hit.lostAtMs !== null) continue;
      const ageMs = nowMs - hit.atMs;
      if (ageMs > boundMs)
        this.#broken('Bound', hit, `${how} at ${node.name} as ${freshness} after ${ageMs} ms`);
      if (hit.everywhereAtMs !== null && hit.everywhereAtMs <= startedMs)
        this.#broken('Early return', hit, `${how} at ${node.name}, begun after "everywhere"`);
      if (exact && hit.atMs < startedMs)
        this.#broken('FRESH', hit, `${how} at ${node.name}, begun after the commit`);
    }
    if (freshness === 'stale') this.#noKnownGap(node, how);
  }

  /** ANSWER: a known gap forbids tolerance. */
  #noKnownGap(node: SimulatedNode, how: string): void {
    const { head, applied } = node.follower.status();
    if (head > applied)
      throw new BrokenPromise(
        'ANSWER',
        `${how} at ${node.name} as stale, which knows of ${head} and has applied ${applied}`,
      );
  }

  /** MINT: a refresh that began after a commit is not answered with tokens of what that commit has ended. */
  refreshed(node: SimulatedNode, truth: Truth, startedMs: number): void {
    this.passes += 1;
    for (const hit of this.#world.record.history.endings(truth)) {
      if (hit.lostAtMs === null && hit.atMs < startedMs)
        this.#broken('MINT', hit, `a refresh at ${node.name}, begun after the commit`);
    }
  }

  /** MINT: a login is not answered with tokens of what was ended before its session was made. */
  opened(node: SimulatedNode, truth: Truth): void {
    for (const hit of this.#world.record.history.endings(truth)) {
      if (hit.lostAtMs === null && hit.seq <= truth.rolesSeq)
        this.#broken(
          'MINT',
          hit,
          `a login at ${node.name}, whose session was made after the commit`,
        );
    }
  }

  /**
   * UNKNOWN OUTCOME: somebody was told that nothing was done, or that it cannot happen any more.
   */
  nothingDone(operationId: string, how: string): void {
    const { history } = this.#world.record;
    const done = history.instances.find(({ entry }) => entry.operationId === operationId);
    if (done !== undefined && done.lostAtMs === null) this.#broken('UNKNOWN OUTCOME', done, how);
    this.#undone.set(operationId, this.#world.nowMs);
  }

  #neverMind(operationId: string): boolean {
    const toldMs = this.#undone.get(operationId);
    return toldMs === undefined || this.mayBeLost(toldMs, this.#world.nowMs);
  }

  /** What the record is about to carry out. AUTHORITY: whoever acts is alive, and has the role, at that very moment. */
  acting(state: RecordState, { actor, operationId, handIn }: CommitRequest): void {
    if (handIn !== true && !this.#neverMind(operationId))
      throw new BrokenPromise('UNKNOWN OUTCOME', `${operationId} is done after all`);
    if (actor.kind !== 'session') return;
    const { tid, uid, sid, role } = actor;
    const facts = { tid, uid, sid, generation: '', epoch: 0, tokenEpoch: 0 };
    const credentialsSeq = this.sessions.get(sid) ?? 0;
    const endings = this.#world.record.history.endings({
      facts,
      credentialsSeq,
      rolesSeq: 0,
      mintedAtMs: 0,
    });
    const ending = endings.find(({ lostAtMs }) => lostAtMs === null);
    if (ending !== undefined) this.#broken('AUTHORITY', ending, `${sid} acts after its end`);
    if (role !== null && !state.users.get(`${tid} ${uid}`)?.roles.includes(role))
      throw new BrokenPromise('AUTHORITY', `${sid} acts without the role ${role}`);
  }

  /** No false refusal: whoever is called revoked was revoked by something. */
  calledRevoked(node: SimulatedNode, truth: Truth, how: string): void {
    this.refusals += 1;
    if (this.#world.record.history.endings(truth).length === 0)
      throw new BrokenPromise(
        'No false refusal',
        `${how} at ${node.name}: nothing revoked it: ${said(truth)}`,
      );
  }

  /** Nor is a token superseded that is neither older than a reissue, nor of a lost end, nor longer than its life ago. */
  calledSuperseded(node: SimulatedNode, truth: Truth, how: string): void {
    this.refusals += 1;
    const { record, nowMs } = this.#world;
    if (record.history.hits(truth).length > 0 || this.isOfLostEnd(truth.facts)) return;
    if (nowMs - truth.mintedAtMs > MAX_ACCESS_TTL_MS + FORGET_MARGIN_MS / 2) return;
    throw new BrokenPromise(
      'No false refusal',
      `${how} at ${node.name}: superseded by nothing: ${said(truth)}, minted ${nowMs - truth.mintedAtMs} ms ago`,
    );
  }

  /** LINEAGE: whether the record's history, as it is now, lacks what the token was minted on. */
  isOfLostEnd({ generation, tokenEpoch }: TokenFacts): boolean {
    const { lineage, head } = this.#world.record;
    const at = lineage.findIndex(({ id }) => id === generation);
    // A server that has just taken over may lack the end of a generation before another one was begun.
    if (at === 0) return tokenEpoch > head.position;
    return at === -1 || lineage.slice(0, at).some(({ parentEnd }) => tokenEpoch > parentEnd);
  }

  /** Whether a failover or a restore may have lost what was written between these two moments. */
  mayBeLost(fromMs: number, toMs: number): boolean {
    return this.losses.some(({ untilMs, atMs }) => untilMs < toMs && atMs >= fromMs);
  }

  #broken(promise: string, { entry }: Instance, what: string): never {
    const { scope, generation, position } = entry;
    throw new BrokenPromise(promise, `${what}; ${scope} ${generation}/${position}`);
  }
}

function said({ facts: { generation, epoch, tokenEpoch, sid } }: Truth): string {
  return `${sid} ${generation}/${epoch}/${tokenEpoch}`;
}
