import type { Clock } from '../../src/clock.ts';
import type { Hub } from '../../src/hub/contract.ts';
import { createHubCodec } from '../../src/hub/message.ts';
import type { LogStore, MemberStore } from '../../src/record/contract.ts';
import type { Follower } from '../../src/revocation/contract.ts';
import type { FollowerEvent } from '../../src/revocation/events.ts';
import { createFollower } from '../../src/revocation/follower.ts';
import type { FollowerOptions } from '../../src/revocation/options.ts';
import { type RecordServer, SimulatedRecord, type Weakness } from './simulated-record.ts';
import { type Faults, Network, NO_FAULTS, type Station } from './simulation/network.ts';
import { randomFrom } from './simulation/random.ts';
import type { SimulatedSessions } from './simulation/sessions.ts';
import { type ResumeOrder, Timeline } from './simulation/timeline.ts';

export type { Faults };
export { NO_FAULTS };

/** How a node's clocks differ from the world's. */
export interface ClockError {
  /** Parts of a second that it gains in one. */
  readonly rate: number;
  /** Of the wall clock, milliseconds. */
  readonly wallMs: number;
  /** What the monotonic clock counts in, milliseconds; 0 for no steps. */
  readonly stepMs: number;
}

export interface SimulationOptions {
  /** Production code with a rule left out, to show that the simulation notices. */
  readonly createFollower?: typeof createFollower;
  readonly createHubCodec?: typeof createHubCodec;
  readonly weakness?: Weakness | null;
}

/** One node: a process with a clock of its own in which the real follower runs. */
export class SimulatedNode implements Station {
  readonly name: string;
  readonly events: FollowerEvent[] = [];
  readonly clock: Clock;
  readonly log: LogStore;
  readonly sessions: SimulatedSessions;
  readonly hub: Hub;
  readonly follower: Follower;
  readonly leaseMs: number;
  readonly toleranceMs: number;
  killed = false;
  cutOff = false;
  stray: Station['stray'] = null;
  resumeOrder: ResumeOrder = 'due';
  readonly #timeline: Timeline;
  #stopped = false;

  constructor(
    name: string,
    parts: {
      readonly timeline: Timeline;
      readonly network: Network;
      readonly record: SimulatedRecord;
      readonly clockError: ClockError;
      readonly offsetMs: number;
      readonly newId: () => string;
      readonly createFollower: typeof createFollower;
    },
    options: Partial<FollowerOptions>,
  ) {
    const { timeline, network, record, clockError, offsetMs } = parts;
    this.name = name;
    this.#timeline = timeline;
    const rate = 1 + clockError.rate;
    const originMs = timeline.nowMs;
    this.clock = {
      monotonicMs: () => {
        const exactMs = offsetMs + (timeline.nowMs - originMs) * rate;
        const { stepMs } = clockError;
        return stepMs === 0 ? exactMs : Math.floor(exactMs / stepMs) * stepMs;
      },
      wallMs: () => timeline.nowMs + clockError.wallMs,
      after: (delayMs, run) => {
        const atMs = timeline.nowMs + Math.max(0, delayMs) / rate;
        const task = timeline.at(atMs, run, this, 'timer');
        return {
          cancel: () => {
            task.live = false;
          },
        };
      },
    };
    // The server that a statement reaches is known only when it arrives.
    let reached: RecordServer = record.primary;
    const serverOf = () => reached;
    const carry = <Result>(verb: string, run: () => Result): Promise<Result> =>
      network.carry(this, verb, (server) => {
        reached = server;
        return run();
      });
    this.log = record.log(carry, serverOf);
    this.sessions = record.sessionStore(carry, serverOf);
    this.hub = network.hub(this);
    const members: MemberStore = record.memberStore(carry, serverOf);
    this.follower = parts.createFollower({
      log: this.log,
      members,
      hub: this.hub,
      clock: this.clock,
      newId: parts.newId,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    const { leaseMs, toleranceMs } = this.follower.status();
    this.leaseMs = leaseMs;
    this.toleranceMs = toleranceMs;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** SIGSTOP and SIGCONT: nothing of it runs meanwhile, and its clocks run on. */
  get paused(): boolean {
    return this.#stopped;
  }
  set paused(paused: boolean) {
    if (this.#stopped === paused) return;
    this.#stopped = paused;
    if (!paused) this.#timeline.resume(this, this.resumeOrder);
  }
}

/**
 * Nodes, a record and a hub in one thread, under a clock that is turned by hand: the real follower runs in every node. The
 * clocks of the nodes begin anywhere and run apart. Nothing that happens depends on anything but the seed.
 */
export class Simulation {
  readonly random: () => number;
  readonly record: SimulatedRecord;
  readonly nodes: SimulatedNode[] = [];
  readonly timeline = new Timeline(1_700_000_000_000);
  readonly network: Network;
  readonly #createFollower: typeof createFollower;
  #ids = 0;

  constructor(seed: number, options: SimulationOptions = {}) {
    this.random = randomFrom(seed);
    this.record = new SimulatedRecord(() => this.timeline.nowMs, options.weakness ?? null);
    this.network = new Network(
      this.timeline,
      this.random,
      this.record,
      options.createHubCodec ?? createHubCodec,
    );
    this.#createFollower = options.createFollower ?? createFollower;
  }

  /** The world's own time, which no node can see. */
  get nowMs(): number {
    return this.timeline.nowMs;
  }

  get faults(): Faults {
    return this.network.faults;
  }
  set faults(faults: Faults) {
    this.network.faults = faults;
  }

  /** An identifier: nothing depends on what it is. */
  newId = (): string => {
    this.#ids += 1;
    return `id${this.#ids}`;
  };

  addNode(
    options: Partial<FollowerOptions> = {},
    clockError: ClockError = { rate: (this.random() - 0.5) * 0.0008, wallMs: 0, stepMs: 0 },
  ): SimulatedNode {
    const { timeline, network, record, newId } = this;
    const node = new SimulatedNode(
      `n${this.nodes.length}`,
      {
        timeline,
        network,
        record,
        clockError,
        offsetMs: this.random() * 1e6,
        newId,
        createFollower: this.#createFollower,
      },
      options,
    );
    this.nodes.push(node);
    return node;
  }

  /** Runs `run` at `atMs` of the world's time. */
  at(atMs: number, run: () => void): void {
    this.timeline.at(atMs, run);
  }

  /** A hub for a follower that is no node of this world: it reaches nobody. */
  hub(): Hub {
    const silent = () => () => {};
    return {
      kind: 'in-process',
      announce: () => {},
      acknowledge: () => {},
      publish: () => {},
      onAnnouncement: silent,
      onHead: silent,
      onAcknowledgement: silent,
      onEvent: silent,
      working: () => true,
      enter: () => {},
      acknowledging: () => true,
      close: () => Promise.resolve(),
    };
  }

  /** Lets the world go on for `ms`. */
  run(ms: number): Promise<void> {
    return this.timeline.run(ms);
  }

  /** Lets the world go on until `promise` is settled, at most for `ms`; undefined if it is not by then. */
  async until<Value>(promise: Promise<Value>, ms = 60_000): Promise<Value | undefined> {
    let value: Value | undefined;
    let done = false;
    promise.then(
      (result) => {
        value = result;
        done = true;
      },
      () => {
        done = true;
      },
    );
    const untilMs = this.nowMs + ms;
    await this.run(0);
    while (!done && this.nowMs < untilMs) await this.run(5);
    return value;
  }
}
