import type { CommitRequest } from '../../../src/record/contract.ts';
import type { Follower } from '../../../src/revocation/contract.ts';
import type { FollowerEvent } from '../../../src/revocation/events.ts';
import type { RecordServer, Weakness } from '../simulated-record.ts';
import { NO_FAULTS, type SimulatedNode, Simulation } from '../simulation.ts';
import type { Code } from './code.ts';
import type { Instance, Truth } from './history.ts';
import { expected, People } from './people.ts';
import { Promises } from './promises.ts';
import { Dice } from './random.ts';
import { Mint, type NodeServices, servicesOf } from './services.ts';
import type { Theme } from './themes.ts';

/** A node of a schedule with its use cases. */
export interface Place {
  readonly node: SimulatedNode;
  readonly services: NodeServices;
  /** Whether it was told to leave. */
  leaving: boolean;
}

interface Socket {
  readonly place: Place;
  readonly truth: Truth;
  readonly check: () => { readonly kind: string; readonly freshness?: 'fresh' | 'stale' };
}

interface Holder {
  readonly place: Place;
  readonly generation: string | null;
  readonly applied: number;
}

/** An operation that somebody asked for. */
export interface Asked {
  readonly tid: string | null;
  readonly operationId: string;
}

export interface ScheduleOptions {
  readonly code: Code;
  readonly weakness?: Weakness | null;
  /** Takes down what happens, for whoever looks for the reason. */
  readonly trace?: string[] | null;
}

const MAX_TOKENS = 10;
const MAX_SOCKETS = 12;
const MAX_NODES = 4;

/** The state of one schedule: a world, who is in it, and every answer held against the promises. */
export class Schedule {
  readonly theme: Theme;
  readonly world: Simulation;
  readonly promises: Promises;
  readonly people: People;
  readonly places: Place[] = [];
  readonly dice: Dice;
  readonly asked: Asked[] = [];
  /** Tokens that were minted without a login, at the record's head. */
  readonly tokens: Truth[] = [];
  readonly sockets: Socket[] = [];
  /** A primary that was replaced and still runs. */
  oldPrimary: RecordServer | null = null;
  /** How far the replica that would take over is behind. */
  replicaLagMs = 0;
  /** For how long all processes are to be stopped before the next step. */
  sleepMs = 0;
  /** Sessions that were made without a login. */
  sids = 0;
  /** Entries that were lost, and who held each of them then. */
  readonly lost: { readonly instance: Instance; readonly holders: readonly Place[] }[] = [];
  #asleep = false;
  readonly #leasesMs: readonly number[];
  readonly #code: Code;
  readonly #mint: Mint;
  readonly #trace: string[] | null;
  /** The first defect that showed outside of a step. */
  #broken: unknown = null;

  constructor(seed: number, theme: Theme, options: ScheduleOptions) {
    const { code, weakness = null, trace = null } = options;
    this.theme = theme;
    this.world = new Simulation(seed, { ...code, weakness });
    this.dice = new Dice(this.world.random);
    this.world.network.hubKind = this.dice.pick(theme.hubs) ?? 'full';
    this.promises = new Promises(this.world);
    this.#leasesMs = this.dice.pick(theme.leasesMs) ?? [];
    this.#code = code;
    this.#mint = new Mint(this.world, this.promises);
    this.people = new People(this.world, this.#mint, this.promises, code);
    this.#trace = trace;
  }

  get code(): Code {
    return this.#code;
  }

  /** Nodes that run and were not told to leave. */
  get running(): readonly Place[] {
    return this.places.filter(({ node, leaving }) => !node.killed && !node.stopped && !leaving);
  }

  get someone(): Place | undefined {
    return this.dice.pick(this.running);
  }

  note(what: string): void {
    this.#trace?.push(`${(this.world.nowMs - 1_700_000_000_000).toFixed(1)} ${what}`);
  }

  /** Something goes on by itself; a defect in it ends the schedule. */
  inBackground(doing: Promise<unknown>): void {
    doing.catch((error: unknown) => {
      this.#broken ??= error;
    });
  }

  addNode(): void {
    const { dice, theme, world } = this;
    if (this.running.length >= MAX_NODES) return;
    const options = {
      leaseMs: dice.pick(this.#leasesMs) ?? 300,
      toleranceMs: dice.pick(theme.tolerancesMs) ?? 0,
      ...(this.#trace === null ? {} : { onEvent: (event: FollowerEvent) => report(event) }),
    };
    const report = (event: FollowerEvent) => {
      if (event.kind !== 'heartbeat') this.note(`${node.name} ${describe(event)}`);
    };
    const node: SimulatedNode = world.addNode(options, {
      rate: dice.between(-0.0009, 0.0009),
      wallMs: dice.between(-10_000, 10_000),
      stepMs: dice.chance(0.3) ? 1 : 0,
    });
    const onCommit = (request: CommitRequest) => {
      this.note(`${node.name} commits ${request.revoke.map(({ scope }) => scope).join(' ')}`);
      this.asked.push({ tid: tenantOf(request), operationId: request.operationId });
    };
    const services = servicesOf({
      world,
      node,
      mint: this.#mint,
      code: this.#code,
      follower: this.#listenedTo(node),
      onCommit,
    });
    this.places.push({ node, services, leaving: false });
    this.inBackground(node.follower.join().catch(expected));
  }

  /** The follower, with an ear for what its barriers say. */
  #listenedTo(node: SimulatedNode): Follower {
    const { world, promises } = this;
    return Object.create(node.follower, {
      barrier: {
        value: async (...question: Parameters<Follower['barrier']>) => {
          const result = await node.follower.barrier(...question);
          if (result.effective === 'everywhere' && !node.killed && this.isPromised) {
            promises.everywhere += 1;
            const [name] = question;
            this.note(`${node.name} says everywhere of ${name.generation}/${name.position}`);
            const { entries, head, history } = world.record;
            const sawNewest = node.follower.status().generation === head.generation;
            history.everywhere(entries, name, world.nowMs, sawNewest);
          }
          return result;
        },
      },
    });
  }

  keepToken(truth: Truth): void {
    this.tokens.push(truth);
    if (this.tokens.length > MAX_TOKENS) this.tokens.shift();
  }

  /** SOCKETS: a connection with a token; it lives as long as the node lets it. */
  connect(place: Place, truth: Truth): void {
    const endsAtMs = Number.MAX_SAFE_INTEGER;
    const { follower } = place.node;
    const { judgement, check } = follower.connect({ facts: truth.facts, endsAtMs, kill: () => {} });
    if (judgement.kind === 'pass') this.sockets.push({ place, truth, check });
    if (this.sockets.length > MAX_SOCKETS) this.sockets.shift();
  }

  /** A stopped process goes on; what it would answer before anything else happens in it is looked at, too. */
  goOn(place: Place): void {
    const { node } = place;
    if (!node.stopped || node.killed || this.#asleep) return;
    node.resumeOrder = this.dice.pick(['due', 'timers', 'messages'] as const) ?? 'due';
    node.paused = false;
    this.note(`${node.name} goes on`);
    this.#probe(place);
  }

  /** Stops every process, lets a long time pass, and lets them go on in any order. */
  async sleep(): Promise<void> {
    const { sleepMs, world } = this;
    if (sleepMs === 0) return;
    this.note(`sleeps for ${sleepMs}`);
    this.sleepMs = 0;
    this.#asleep = true;
    for (const { node } of this.places) node.paused = true;
    await world.run(sleepMs);
    this.#asleep = false;
    for (const place of [...this.places]) {
      if (this.dice.chance(0.3)) await world.run(this.dice.between(0, 300));
      this.goOn(place);
    }
  }

  /** HAND IN: the end of each node's view. */
  holders(): readonly Holder[] {
    return this.places
      .filter(({ node, leaving }) => !node.killed && !leaving)
      .map((place) => {
        const { generation, applied } = place.node.follower.status();
        return { place, generation, applied };
      });
  }

  /** What was lost at this moment, of what these held. */
  rememberLost(holders: readonly Holder[]): void {
    const { history } = this.world.record;
    for (const instance of history.instances) {
      if (instance.lostAtMs !== this.world.nowMs) continue;
      const { generation, position } = instance.entry;
      const held = holders.filter(
        (one) => one.generation === generation && one.applied >= position,
      );
      this.lost.push({ instance, holders: held.map(({ place }) => place) });
    }
  }

  /** Every fault ends. */
  calm(): void {
    this.note('calm');
    this.world.faults = { ...NO_FAULTS };
    this.oldPrimary = null;
    for (const place of this.places) {
      place.node.cutOff = false;
      place.node.stray = null;
      this.goOn(place);
    }
  }

  // ── What is looked at ───────────────────────────────────────────────────────────────────────────────────────────

  /** Without a fence around the old primary there is no bound (docs/protocol.md section 6). */
  get isPromised(): boolean {
    return this.theme.promised !== false;
  }

  /** Asks every node that runs for every token and every socket, at this moment. */
  probe(): void {
    if (this.#broken !== null) throw this.#broken;
    for (const place of this.places) this.#probe(place);
  }

  #probe({ node }: Place): void {
    if (node.killed || node.stopped) return;
    for (const truth of this.tokens) this.#probeToken(node, truth);
    for (const { token } of this.people.clients) this.#probeToken(node, token.truth);
    for (const { place, truth, check } of this.sockets) {
      if (place.node !== node) continue;
      const { kind, freshness } = check();
      if (kind === 'pass' && freshness !== undefined)
        this.#accepted(node, truth, freshness, 'a socket');
    }
  }

  #probeToken(node: SimulatedNode, truth: Truth): void {
    const judgement = node.follower.judgeNow(truth.facts);
    if (judgement.kind === 'pass') this.#accepted(node, truth, judgement.freshness, 'a token');
    else if (judgement.kind === 'revoked') this.promises.calledRevoked(node, truth, 'a token');
    else if (judgement.kind === 'superseded')
      this.promises.calledSuperseded(node, truth, 'a token');
  }

  #accepted(node: SimulatedNode, truth: Truth, freshness: 'fresh' | 'stale', how: string): void {
    if (!this.isPromised) return;
    this.promises.accepted({ how, node, truth, startedMs: this.world.nowMs, freshness });
  }
}

function tenantOf({ actor, revoke, change }: CommitRequest): string | null {
  if ('tid' in actor) return actor.tid;
  return revoke[0]?.tid ?? change?.tid ?? null;
}

/** A line of the trace. */
function describe({ kind, ...rest }: FollowerEvent): string {
  const said = JSON.stringify(rest, (_key, value) =>
    value instanceof Error ? value.message : value,
  );
  return `${kind} ${said.slice(0, 200)}`;
}
