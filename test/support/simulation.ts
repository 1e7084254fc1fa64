import type { Clock } from '../../src/clock.ts';
import { SekishoError } from '../../src/errors.ts';
import type { Acknowledgement, Hub } from '../../src/hub/contract.ts';
import type { Follower } from '../../src/revocation/contract.ts';
import type { FollowerEvent } from '../../src/revocation/events.ts';
import { createFollower } from '../../src/revocation/follower.ts';
import type { FollowerOptions } from '../../src/revocation/options.ts';
import type { Entry } from '../../src/revocation/types.ts';
import { type Carry, SimulatedRecord } from './simulated-record.ts';

/** Numbers between 0 and 1 from a seed (mulberry32), so that a schedule can be played again. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What the network between the parts does at present. Probabilities from 0 to 1. */
export interface Faults {
  /** One way to the record or back, milliseconds. */
  latencyMs: number;
  /** A statement that never arrives. */
  lostStatement: number;
  /** A statement that is carried out, and whose answer never arrives. */
  lostAnswer: number;
  recordDown: boolean;
  hubLatencyMs: number;
  hubLoss: number;
  hubDouble: number;
  hubWorks: boolean;
}

export const NO_FAULTS: Faults = {
  latencyMs: 4,
  lostStatement: 0,
  lostAnswer: 0,
  recordDown: false,
  hubLatencyMs: 4,
  hubLoss: 0,
  hubDouble: 0,
  hubWorks: true,
};

export interface SimulatedNode {
  readonly name: string;
  readonly follower: Follower;
  readonly events: FollowerEvent[];
  readonly log: FollowerOptions['log'];
  readonly clock: Clock;
  paused: boolean;
  /** Whether it is cut off from the record (the hub still reaches it). */
  cutOff: boolean;
}

interface Task {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  readonly owner: SimulatedNode | null;
}

/** What a node listens with. */
interface Ears {
  readonly node: SimulatedNode;
  readonly entry: Set<(entry: Entry) => void>;
  readonly ack: Set<(acknowledgement: Acknowledgement) => void>;
}

/** A statement that is not answered within this time is given up. */
const DEADLINE_MS = 400;

/**
 * Nodes, a record and a hub in one thread, under a clock that is turned by hand: the real follower runs in every node. The
 * clocks of the nodes begin anywhere and run up to 400 ppm apart. Nothing depends on anything but the seed.
 */
export class Simulation {
  readonly random: () => number;
  readonly record: SimulatedRecord;
  readonly nodes: SimulatedNode[] = [];
  faults: Faults = { ...NO_FAULTS };
  #nowMs = 1_700_000_000_000;
  #order = 0;
  #ids = 0;
  #tasks: Task[] = [];
  readonly #hubs: Ears[] = [];

  constructor(seed: number) {
    this.random = randomFrom(seed);
    this.record = new SimulatedRecord(() => this.#nowMs);
  }

  /** The world's own time, which no node can see. */
  get nowMs(): number {
    return this.#nowMs;
  }

  addNode(options: Partial<FollowerOptions> = {}): SimulatedNode {
    const rate = 1 + (this.random() - 0.5) * 0.0008;
    const originMs = this.#nowMs;
    const offsetMs = this.random() * 1e6;
    const events: FollowerEvent[] = [];
    const clock: Clock = {
      monotonicMs: () => offsetMs + (this.#nowMs - originMs) * rate,
      wallMs: () => this.#nowMs,
      after: (delayMs, run) => {
        let live = true;
        this.at(this.#nowMs + Math.max(0, delayMs) / rate, () => live && run(), node);
        return {
          cancel: () => {
            live = false;
          },
        };
      },
    };
    const carry: Carry = (verb, run) => this.#carry(node, verb, run);
    const log = this.record.log(carry);
    const node: SimulatedNode = {
      name: `n${this.nodes.length}`,
      events,
      log,
      clock,
      paused: false,
      cutOff: false,
      follower: createFollower({
        log,
        members: this.record.memberStore(carry),
        hub: this.#hub(() => node),
        clock,
        newId: () => {
          this.#ids += 1;
          return `id${this.#ids}`;
        },
        onEvent: (event) => events.push(event),
        ...options,
      }),
    };
    this.nodes.push(node);
    return node;
  }

  /** Runs `run` at `atMs` of the world's time; what belongs to a paused node waits until it goes on. */
  at(atMs: number, run: () => void, owner: SimulatedNode | null = null): void {
    this.#order += 1;
    this.#tasks.push({ atMs, order: this.#order, run, owner });
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
  async run(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let task = this.#next(untilMs); task !== undefined; task = this.#next(untilMs)) {
      this.#tasks.splice(this.#tasks.indexOf(task), 1);
      this.#nowMs = Math.max(this.#nowMs, task.atMs);
      task.run();
      await settle();
    }
    this.#nowMs = untilMs;
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
    const untilMs = this.#nowMs + ms;
    await settle();
    while (!done && this.#nowMs < untilMs) await this.run(5);
    return value;
  }

  #next(untilMs: number): Task | undefined {
    let next: Task | undefined;
    for (const task of this.#tasks) {
      if (task.atMs > untilMs || task.owner?.paused === true) continue;
      if (
        next === undefined ||
        task.atMs < next.atMs ||
        (task.atMs === next.atMs && task.order < next.order)
      ) {
        next = task;
      }
    }
    return next;
  }

  #carry<Result>(node: SimulatedNode, verb: string, run: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const sentMs = this.#nowMs;
      const arrivesMs = sentMs + this.random() * this.faults.latencyMs * 2;
      const lost = this.random() < this.faults.lostStatement;
      this.at(arrivesMs, () => {
        if (lost || node.cutOff || this.faults.recordDown) {
          const error = new SekishoError(
            'store_unavailable',
            `${verb}: the record is out of reach`,
          );
          this.at(sentMs + DEADLINE_MS, () => reject(error), node);
          return;
        }
        // Structured as an answer on a wire: what the record changes later does not change it.
        const answer = structuredClone(run());
        if (this.random() < this.faults.lostAnswer) {
          const error = new SekishoError('outcome_unknown', `${verb}: the answer was lost`);
          this.at(sentMs + DEADLINE_MS, () => reject(error), node);
        } else {
          this.at(
            arrivesMs + this.random() * this.faults.latencyMs * 2,
            () => resolve(answer),
            node,
          );
        }
      });
    });
  }

  #hub(owner: () => SimulatedNode): Hub {
    const entry = new Set<(entry: Entry) => void>();
    const ack = new Set<(acknowledgement: Acknowledgement) => void>();
    let registered = false;
    const register = () => {
      if (!registered) this.#hubs.push({ node: owner(), entry, ack });
      registered = true;
    };
    const send = (deliver: (hub: Ears) => void) => {
      if (!this.faults.hubWorks) return;
      for (const hub of this.#hubs) {
        if (hub.node === owner() || this.random() < this.faults.hubLoss) continue;
        const times = this.random() < this.faults.hubDouble ? 2 : 1;
        for (let time = 0; time < times; time += 1) {
          this.at(
            this.#nowMs + this.random() * this.faults.hubLatencyMs * 2,
            () => deliver(hub),
            hub.node,
          );
        }
      }
    };
    return {
      kind: 'in-process',
      announce: (message) =>
        send((hub) => {
          for (const listener of hub.entry) listener(message);
        }),
      acknowledge: (message) =>
        send((hub) => {
          for (const listener of hub.ack) listener(message);
        }),
      publish: () => {},
      onAnnouncement: (listener) => {
        register();
        entry.add(listener);
        return () => entry.delete(listener);
      },
      onHead: () => () => {},
      onAcknowledgement: (listener) => {
        register();
        ack.add(listener);
        return () => ack.delete(listener);
      },
      onEvent: () => () => {},
      working: () => this.faults.hubWorks,
      enter: () => {},
      acknowledging: () => this.faults.hubWorks,
      close: () => Promise.resolve(),
    };
  }
}

/** Lets everything that is ready run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
