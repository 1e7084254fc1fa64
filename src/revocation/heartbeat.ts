import type { Timer } from '../clock.ts';
import type { Node } from './node.ts';

/**
 * HEARTBEAT: one autocommitted write that proves, renews and acknowledges. One is in flight at a time, every third of the
 * lease; immediate ones coalesce; none waits for a fetch. A failure makes the proof absent and nothing else.
 */
export class HeartbeatLoop {
  readonly #node: Node;
  #timer: Timer | null = null;
  /** Counts starts, so that an answer that comes after a stop is recognised. */
  #run = 0;
  #running = false;
  #inFlight = false;
  #again = false;
  #failed = false;

  constructor(node: Node) {
    this.#node = node;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Sends the first one after an interval, or when `now` is called before. */
  startLater(): void {
    this.stop();
    this.#running = true;
    this.#failed = false;
    const { clock, settings } = this.#node;
    this.#timer = clock.after(settings.heartbeatMs, () => this.#beat());
  }

  /** What is still in flight will be ignored. */
  stop(): void {
    this.#run += 1;
    this.#running = false;
    this.#inFlight = false;
    this.#again = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Sends one at once, or right after the one in flight. After a failure the next regular one has to do. */
  now(): void {
    if (!this.#running) return;
    if (this.#inFlight) this.#again = true;
    else if (!this.#failed) this.#beat();
  }

  #beat(): void {
    this.#timer?.cancel();
    this.#inFlight = true;
    this.#again = false;
    const run = this.#run;
    const sentMs = this.#node.clock.monotonicMs();
    void this.#send(run, sentMs).then((succeeded) => {
      if (run !== this.#run) return;
      this.#inFlight = false;
      this.#failed = !succeeded;
      const intervalMs = this.#node.settings.heartbeatMs;
      const sinceMs = this.#node.clock.monotonicMs() - sentMs;
      if (this.#again && succeeded) this.#beat();
      else
        this.#timer = this.#node.clock.after(
          Math.max(succeeded ? 0 : 1, intervalMs - sinceMs),
          () => this.#beat(),
        );
    });
  }

  /** @returns whether an answer came. Never rejects. */
  async #send(run: number, sentMs: number): Promise<boolean> {
    const node = this.#node;
    const memberId = node.memberId;
    const sent = node.view.end;
    try {
      const answer = await node.settings.members.heartbeat(
        memberId,
        sent.generation,
        sent.position,
        {
          lastHeartbeatMs: node.lastHeartbeatMs,
          hub: node.settings.hub.kind,
          hubWorking: node.settings.hub.working(),
        },
      );
      if (run !== this.#run) return true;
      const receivedMs = node.clock.monotonicMs();
      if (answer.kind === 'removed') {
        node.signals.removed(memberId);
        return true;
      }
      // GENERATION: a result from another history is discarded.
      if (!answer.identityAgrees) {
        node.signals.begin(answer.head, false);
        return true;
      }
      if (answer.head.generation === sent.generation && answer.head.position < sent.position) {
        node.signals.begin(answer.head, true);
        return true;
      }
      node.lastHeartbeatMs = receivedMs - sentMs;
      const recordMs = node.settings.exclusive ? node.clock.wallMs() : answer.recordTimeMs;
      node.setWallTime({
        sentMs: node.settings.exclusive ? receivedMs : sentMs,
        receivedMs,
        recordMs,
      });
      node.signals.confirmed(answer.head.generation, sentMs);
      // PROOF: it counts when it is of the view's generation, and as soon as its head was applied.
      let covered = false;
      if (answer.head.generation === node.view.generation) {
        covered = node.lease.prove({ atMs: sentMs, head: answer.head }, node.view.end);
        if (covered) node.waiters.covered(node.lease.coveredAtMs);
      }
      node.emit({ kind: 'heartbeat', tookMs: receivedMs - sentMs, covered });
      node.learn(answer.head);
      return true;
    } catch (error) {
      if (run !== this.#run) return false;
      node.failed('HEARTBEAT', error);
      node.waiters.failed(sentMs);
      return false;
    }
  }
}
