import type { Clock } from '../../../src/clock.ts';
import { SekishoError } from '../../../src/errors.ts';
import type { Acknowledgement, Hub } from '../../../src/hub/contract.ts';
import type { createHubCodec, HubCodec } from '../../../src/hub/message.ts';
import { type HubMessage, pack } from '../../../src/hub/message-content.ts';
import type { Entry, Head } from '../../../src/revocation/types.ts';
import { createKeyRing } from '../../../src/token/secrets.ts';
import type { RecordServer, SimulatedRecord } from '../simulated-record.ts';
import type { Process, Timeline } from './timeline.ts';

/** What the network between the parts does at present. Probabilities from 0 to 1. */
export interface Faults {
  /** One way to the record or back, milliseconds on average. */
  latencyMs: number;
  /** A statement that never arrives. */
  lostStatement: number;
  /** A statement that is carried out, and whose answer never arrives. */
  lostAnswer: number;
  /** An answer that takes nearly as long as it may. */
  slowAnswer: number;
  /** A statement that arrives after its deadline: its caller has given it up, and it is carried out all the same. */
  lateStatement: number;
  recordDown: boolean;
  hubLatencyMs: number;
  hubLoss: number;
  hubDouble: number;
  /** An announcement or acknowledgement that somebody made up, without the key that its MAC needs. */
  hubForged: number;
  hubWorks: boolean;
}

export const NO_FAULTS: Faults = {
  latencyMs: 4,
  lostStatement: 0,
  lostAnswer: 0,
  slowAnswer: 0,
  lateStatement: 0,
  recordDown: false,
  hubLatencyMs: 4,
  hubLoss: 0,
  hubDouble: 0,
  hubForged: 0,
  hubWorks: true,
};

/** What hub there is: `full` carries everything, `notify` no acknowledgements, `none` nothing at all. */
export type HubKind = 'full' | 'notify' | 'none';

/** A process on the network. */
export interface Station extends Process {
  readonly clock: Clock;
  /** Whether it is cut off from the record (the hub still reaches it). */
  cutOff: boolean;
  /** An old primary that still answers some of its statements, and which share of them. */
  stray: { readonly server: RecordServer; readonly share: number } | null;
}

/** A statement that is not answered within this time is given up. */
export const DEADLINE_MS = 400;

/** Statements that write: a primary that was fenced acknowledges none of them. */
const WRITES = new Set([
  'join',
  'heartbeat',
  'listForBarrier',
  'leave',
  'remove',
  'removeAllBut',
  'beginGeneration',
  'settle',
  'commit',
  'open',
  'rotate',
  'operationOrAbandon',
]);

/** What a node listens with. */
interface Ears {
  readonly station: Station;
  readonly entry: Set<(entry: Entry) => void>;
  readonly head: Set<(head: Head) => void>;
  readonly acknowledgement: Set<(acknowledgement: Acknowledgement) => void>;
  generation: string | null;
}

/** The nodes' secret, and that of somebody who would like to be believed. */
const RING = createKeyRing('the secret that the nodes of a simulated world share');
const FORGERS_RING = createKeyRing('the secret of somebody who has not got that one');
const DEPLOYMENT = 'simulation';

/** Carries statements to the record and messages between nodes, and loses, delays, doubles and forges them. */
export class Network {
  faults: Faults = { ...NO_FAULTS };
  hubKind: HubKind = 'full';
  readonly #timeline: Timeline;
  readonly #random: () => number;
  readonly #record: SimulatedRecord;
  readonly #ears: Ears[] = [];
  readonly #codec: HubCodec;
  readonly #forger: HubCodec;

  constructor(
    timeline: Timeline,
    random: () => number,
    record: SimulatedRecord,
    createCodec: typeof createHubCodec,
  ) {
    this.#timeline = timeline;
    this.#random = random;
    this.#record = record;
    this.#codec = createCodec(RING, DEPLOYMENT);
    this.#forger = createCodec(FORGERS_RING, DEPLOYMENT);
  }

  /** One statement of `station`; `run` is called when it reaches a server. */
  carry<Result>(
    station: Station,
    verb: string,
    run: (server: RecordServer) => Result,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timeline = this.#timeline;
      const { faults } = this;
      const sentMs = timeline.nowMs;
      const late = faults.lateStatement > 0 && this.#random() < faults.lateStatement;
      const delayMs = late
        ? DEADLINE_MS * (1 + this.#random() * 1.5)
        : this.#random() * faults.latencyMs * 2;
      const lost = this.#random() < faults.lostStatement;
      // One that reached nobody, and which its sender knows to have reached nobody; or else nobody can tell.
      const known = faults.lateStatement === 0 || this.#random() < 0.5;
      const fail = (unknown: boolean) => {
        const error = unknown
          ? new SekishoError('outcome_unknown', `${verb}: the answer was lost`)
          : new SekishoError('store_unavailable', `${verb}: the record is out of reach`);
        const atMs = Math.max(timeline.nowMs, sentMs + DEADLINE_MS);
        timeline.at(atMs, () => reject(error), station);
      };
      if (late) timeline.at(sentMs + DEADLINE_MS, () => fail(true), station);
      timeline.at(sentMs + delayMs, () => {
        if (lost || station.cutOff || this.faults.recordDown) {
          if (!late) fail(!known);
          return;
        }
        const server = this.#serverOf(station);
        if (!server.writable && WRITES.has(verb)) {
          if (!late) fail(true);
          return;
        }
        const answer = run(server);
        if (late) return;
        if (this.#random() < this.faults.lostAnswer) fail(true);
        else {
          const { slowAnswer, latencyMs } = this.faults;
          const slow = slowAnswer > 0 && this.#random() < slowAnswer;
          const backMs = this.#random() * (slow ? DEADLINE_MS * 0.8 : latencyMs * 2);
          timeline.at(timeline.nowMs + backMs, () => resolve(answer), station);
        }
      });
    });
  }

  #serverOf({ stray }: Station): RecordServer {
    return stray !== null && this.#random() < stray.share ? stray.server : this.#record.primary;
  }

  /** The hub as `station` sees it. */
  hub(station: Station): Hub {
    const ears: Ears = {
      station,
      entry: new Set(),
      head: new Set(),
      acknowledgement: new Set(),
      generation: null,
    };
    this.#ears.push(ears);
    const isUp = () => this.faults.hubWorks && this.hubKind !== 'none';
    return {
      kind: 'in-process',
      announce: (entry) => {
        // What is too long for NOTIFY is only named.
        const { generation, position } = entry;
        const isLong = this.hubKind === 'notify' && this.#random() < 0.3;
        this.#send(
          ears,
          isLong ? { kind: 'head', head: { generation, position } } : { kind: 'entry', entry },
        );
      },
      acknowledge: (acknowledgement) =>
        this.#send(ears, { kind: 'acknowledgement', acknowledgement }),
      publish: () => {},
      onAnnouncement: (listener) => listen(ears.entry, listener),
      onHead: (listener) => listen(ears.head, listener),
      onAcknowledgement: (listener) => listen(ears.acknowledgement, listener),
      onEvent: () => () => {},
      working: isUp,
      enter: (generation) => {
        ears.generation = generation;
      },
      acknowledging: () => isUp() && this.hubKind === 'full',
      close: () => Promise.resolve(),
    };
  }

  #send(from: Ears, message: HubMessage): void {
    const { faults } = this;
    if (!faults.hubWorks || this.hubKind === 'none') return;
    if (message.kind === 'acknowledgement' && this.hubKind !== 'full') return;
    for (const ears of this.#ears) {
      if (ears === from || this.#random() < faults.hubLoss) continue;
      const times = this.#random() < faults.hubDouble ? 2 : 1;
      for (let time = 0; time < times; time += 1) this.#deliver(ears, message);
      if (faults.hubForged > 0 && this.#random() < faults.hubForged) this.#forge(ears, message);
    }
  }

  /** ANNOUNCE: what does not verify is ignored. */
  #forge(ears: Ears, message: HubMessage): void {
    const lie = lieOf(message);
    const altered = this.#codec
      .seal('n', message)
      ?.replace(/\[.*$/, JSON.stringify(['n', ...pack(lie)]));
    const text = this.#random() < 0.5 ? altered : this.#forger.seal('n', lie);
    const opened = this.#codec.open(text ?? '');
    if (opened !== null) this.#deliver(ears, opened.message);
  }

  #deliver(ears: Ears, message: HubMessage): void {
    const atMs = this.#timeline.nowMs + this.#random() * this.faults.hubLatencyMs * 2;
    this.#timeline.at(
      atMs,
      () => {
        // A channel names its generation.
        if (message.kind === 'acknowledgement') {
          for (const hear of ears.acknowledgement) hear(message.acknowledgement);
        } else if (message.kind === 'entry' && ears.generation === message.entry.generation) {
          for (const hear of ears.entry) hear(message.entry);
        } else if (message.kind === 'head' && ears.generation === message.head.generation) {
          for (const hear of ears.head) hear(message.head);
        }
      },
      ears.station,
    );
  }
}

/** What a forger would like to be believed: that more was acknowledged, and that an entry says something else. */
function lieOf(message: HubMessage): HubMessage {
  if (message.kind === 'acknowledgement') {
    const { acknowledgement } = message;
    const position = acknowledgement.position + 1000;
    return { kind: 'acknowledgement', acknowledgement: { ...acknowledgement, position } };
  }
  if (message.kind !== 'entry') return message;
  return { kind: 'entry', entry: { ...message.entry, uid: 'nobody', sid: null } };
}

function listen<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
