import { sleep } from '../clock.ts';
import { isOutage, SekishoError } from '../errors.ts';
import { FIRST_READING_MAX_MS, PROTOCOL_VERSION } from './constants.ts';
import type { Generations } from './generations.ts';
import type { HeartbeatLoop } from './heartbeat.ts';
import type { Node } from './node.ts';
import { clockProblem, skewMs } from './wall-time.ts';

/** Rows that are remembered for taking them away; others go after their terms, like those of any member that has stopped. */
const MAX_STRAYS = 100;

/**
 * MEMBERS, the way in: the row and its acknowledgement; then the snapshot; then a proof sent after that acknowledgement;
 * then the node serves. A node that was removed goes the same way again under a new id and keeps its view.
 */
export class Joining {
  readonly #node: Node;
  readonly #generations: Generations;
  readonly #heartbeat: HeartbeatLoop;
  /** Rows of attempts that came to nothing. They never answered, so nobody need wait for their terms. */
  readonly #strays = new Set<string>();
  #begun = false;

  constructor(node: Node, generations: Generations, heartbeat: HeartbeatLoop) {
    this.#node = node;
    this.#generations = generations;
    this.#heartbeat = heartbeat;
  }

  /** Joins; tries again, no more often than heartbeats are sent, while the record cannot be reached. */
  async join(): Promise<void> {
    for (;;) {
      this.#refuseIfLeft();
      try {
        await this.#attempt();
        return;
      } catch (error) {
        await this.#cleanUpIfLeft();
        this.#refuseIfLeft();
        if (!isOutage(error)) throw error;
        this.#node.failed('JOIN', error);
        await this.#pause();
      }
    }
  }

  /** After the row was found gone, in the background: a node that serves has nobody to tell, so it tries for ever. */
  async rejoin(): Promise<void> {
    while (this.#node.phase === 'joining') {
      try {
        await this.join();
      } catch (error) {
        this.#node.failed('JOIN', error);
        await this.#pause();
      }
    }
  }

  async #attempt(): Promise<void> {
    const node = this.#node;
    const { members, exclusive } = node.settings;
    this.#heartbeat.stop();
    node.lease.clear();
    node.memberId = node.settings.newId();
    if (this.#strays.size < MAX_STRAYS) this.#strays.add(node.memberId);
    await this.#insertRow();
    this.#refuseIfLeft();
    if (exclusive) await members.removeAllBut(node.memberId);
    // A million entries take seconds to read. Meanwhile the row must not look like that of a member that has stopped.
    this.#heartbeat.startLater();
    await this.#generations.enter();
    this.#refuseIfLeft();
    if (!this.#heartbeat.running) {
      throw new SekishoError('store_unavailable', 'This node was removed while it was joining.');
    }

    const proof = node.waiters.first(node.clock.monotonicMs());
    this.#heartbeat.now();
    await proof;
    this.#refuseIfLeft();
    node.phase = 'serving';
    this.#strays.delete(node.memberId);
    node.emit({
      kind: 'joined',
      memberId: node.memberId,
      generation: node.view.generation,
      applied: node.view.applied,
    });
    await this.#removeStrays();
  }

  async #insertRow(): Promise<void> {
    const node = this.#node;
    const { members, log, clock, exclusive, leaseMs, toleranceMs, address } = node.settings;
    const sentMs = clock.monotonicMs();
    const answer = await members.join({
      id: node.memberId,
      leaseMs,
      toleranceMs,
      version: PROTOCOL_VERSION,
      address,
    });
    const receivedMs = clock.monotonicMs();
    // The embedded record has no clock of its own: its time is this machine's.
    const wallMs = clock.wallMs();
    const reading = exclusive
      ? { sentMs: receivedMs, receivedMs, recordMs: wallMs }
      : { sentMs, receivedMs, recordMs: answer.recordTimeMs };
    if (!node.knowsWallTime && receivedMs - reading.sentMs > FIRST_READING_MAX_MS) {
      // WALL TIME: what was under way for so long, because the process was stopped perhaps, tells no time.
      throw new SekishoError('store_unavailable', 'The record took too long to tell the time.', {
        retryAfterSeconds: 1,
      });
    }
    const wrong = clockProblem(skewMs(reading, wallMs, receivedMs));
    if (!node.knowsWallTime && wrong !== null) {
      await this.#removeStrays();
      throw wrong;
    }
    node.setWallTime(reading);
    if (exclusive && !this.#begun) {
      // GENERATION: embedded, every start begins one. FIRST TERM: and nobody else can still be answering.
      const head = await this.#generations.beginOnly(answer.head, true);
      await log.settle(head.generation);
      this.#begun = true;
    } else if (!answer.identityAgrees) {
      await this.#generations.beginOnly(answer.head, false);
    }
  }

  async #removeStrays(): Promise<void> {
    for (const id of this.#strays) {
      try {
        await this.#node.settings.members.leave(id);
        this.#strays.delete(id);
      } catch (error) {
        // Others wait for its term, then remove it.
        this.#node.failed('MEMBERS', error);
        return;
      }
    }
  }

  /** `leave` came while the row was being inserted. */
  async #cleanUpIfLeft(): Promise<void> {
    if (this.#node.phase === 'left') await this.#removeStrays();
  }

  #refuseIfLeft(): void {
    if (this.#node.phase === 'left') throw new SekishoError('not_ready', 'This node has left.');
  }

  #pause(): Promise<void> {
    const { clock, heartbeatMs } = this.#node.settings;
    return sleep(clock, heartbeatMs);
  }
}
