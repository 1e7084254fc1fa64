import { genesisOf } from '../audit/chain.ts';
import type { Clock, Timer } from '../clock.ts';
import type { EventType, Hub, HubEvent } from '../hub/contract.ts';
import type { Log } from '../observe/log.ts';
import type { ChainPlace, SealedRow, TrailStore } from '../record/trail-contract.ts';
import { eventsOfRow } from './event-rows.ts';

/** What an event stream shows. */
export interface StreamEvent {
  /** `<number in the chain>.<n>-<mark>`: where any node goes on. Null: it is no part of the trail and comes at most once. */
  readonly resume: string | null;
  readonly id: string;
  /** `stream.gap`: what was asked for lies further back than the window, or is no place of this history: load anew. */
  readonly type: EventType | 'stream.gap';
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly subject: Readonly<Record<string, string | null>>;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Subscriber {
  /** Called once, before any event: `resume` is where the stream begins. */
  started(resume: string): void;
  /** In the order of the chain, none twice. */
  events(events: readonly StreamEvent[]): void;
}

/** Hands a tenant's events to those who listen to that tenant, and to nobody else. */
export interface EventFeed {
  /**
   * From now on, or behind `after`, the `resume` of an event that some node gave.
   *
   * @returns what ends it.
   */
  subscribe(tid: string, after: string | null, subscriber: Subscriber): () => void;
  close(): void;
}

/** Rows that a stream may have missed; beyond, it is told to load anew. */
const RESUME_ROWS = 1_000;
/** How often chains are looked at while somebody listens, and how soon after the hub said that something happened. */
const LOOK_EVERY_MS = 1_000;
const LOOK_SOON_MS = [200, 300] as const;
const ROWS_A_PAGE = 200;
/** Rows that are not sealed at the start of a stream, and so are not of "from now on". */
const MOST_WAITING = 10_000;

/** What is told as it happens, by whoever waits for it, and stands in no trail. */
const LIVE: ReadonlySet<EventType> = new Set(['revocation.committed', 'revocation.everywhere']);

interface Listening {
  readonly tid: string;
  readonly subscriber: Subscriber;
  /** Up to which number everything was handed over; null until that is known. */
  seq: number | null;
  /** Events of the next row that were handed over already. */
  skip: number;
  /** Rows that could be seen before the stream began. */
  readonly before: Set<string>;
}

export interface EventFeedOptions {
  readonly hub: Pick<Hub, 'onEvent'>;
  readonly store: Pick<TrailStore, 'heads' | 'sealed' | 'waitingIds'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Events come from the sealed trail, whose order is the same on every node, and which loses nothing that the hub loses. The
 * hub says only that it is worth looking.
 *
 * @example const stop = createEventFeed({ hub, store: record.trail, clock, log }).subscribe(tid, null, subscriber)
 */
export function createEventFeed({ hub, store, clock, log }: EventFeedOptions): EventFeed {
  const listening = new Set<Listening>();
  let timer: Timer | null = null;
  let soon: Timer | null = null;
  let looking: Promise<void> | null = null;
  let closed = false;

  const stopHearing = hub.onEvent((event) => {
    const concerned = [...listening].filter(({ tid, seq }) => tid === event.tid && seq !== null);
    if (concerned.length === 0) return;
    if (LIVE.has(event.type)) {
      for (const one of concerned) hand(one, [liveEvent(event)]);
    } else if (soon === null) {
      lookSoon(LOOK_SOON_MS);
    }
  });

  /** The sealer has heard of it, too: where the first look comes before it, the second one hardly does. */
  function lookSoon([delayMs, ...later]: readonly number[]): void {
    if (delayMs === undefined || closed) {
      soon = null;
      return;
    }
    soon = clock.after(delayMs, () => {
      void look().then(() => lookSoon(later));
    });
  }

  /** One subscriber's failure is no other's. */
  function hand({ subscriber }: Listening, events: readonly StreamEvent[]): void {
    if (events.length === 0) return;
    try {
      subscriber.events(events);
    } catch (error) {
      log.warn({ err: error }, 'a subscriber to events failed');
    }
  }

  async function begin(one: Listening, after: string | null): Promise<void> {
    const { tid } = one;
    // In this order: what is sealed in between lies at or before the head.
    const waiting = after === null ? await store.waitingIds(tid, MOST_WAITING) : [];
    const head = (await store.heads([tid])).get(tid) ?? { seq: 0, hash: genesisOf(tid) };
    const place = after === null ? null : await placeOf(tid, after, head);
    if (!listening.has(one)) return;
    for (const id of waiting) one.before.add(id);
    one.subscriber.started(place === null ? resumeAt(head, END) : (after ?? ''));
    if (after !== null && place === null) hand(one, [gapAt(tid, head, clock)]);
    one.seq = place?.seq ?? head.seq;
    one.skip = place?.skip ?? 0;
  }

  /** Where to go on behind `after`; null when that is too far back, or no place of this history. */
  async function placeOf(
    tid: string,
    after: string,
    head: ChainPlace,
  ): Promise<{ readonly seq: number; readonly skip: number } | null> {
    const [, digits = '', n = '', mark] = /^(\d{1,15})\.(\d{1,3})-([\w-]{8})$/.exec(after) ?? [];
    const seq = Number(digits);
    if (mark === undefined || seq > head.seq || head.seq - seq > RESUME_ROWS) return null;
    if (seq === 0) return mark === markOf(genesisOf(tid)) ? { seq: 0, skip: 0 } : null;
    const [row] = await store.sealed(tid, seq - 1, 1);
    if (row?.seq !== seq || markOf(row.hash) !== mark) return null;
    return { seq: seq - 1, skip: Number(n) + 1 };
  }

  async function lookAtAll(): Promise<void> {
    const ready = [...listening].filter(({ seq }) => seq !== null);
    if (ready.length === 0) return;
    const heads = await store.heads([...new Set(ready.map(({ tid }) => tid))]);
    for (const [tid, head] of heads) {
      await catchUp(
        ready.filter((one) => one.tid === tid),
        head.seq,
      );
    }
  }

  /** One read for all who listen to a tenant, from where the last of them stands. */
  async function catchUp(group: readonly Listening[], to: number): Promise<void> {
    const { tid } = group[0] ?? { tid: '' };
    for (;;) {
      const from = Math.min(...group.map(({ seq }) => seq ?? to));
      if (from >= to || closed) return;
      const page = await store.sealed(tid, from, ROWS_A_PAGE);
      const last = page.at(-1);
      // Pruned meanwhile: there is nothing to be told of it.
      if (last === undefined) {
        for (const one of group) one.seq = Math.max(one.seq ?? 0, to);
        return;
      }
      for (const one of group) {
        const events = page.flatMap((sealed) => takeRow(one, sealed));
        one.seq = Math.max(one.seq ?? 0, last.seq);
        if (listening.has(one)) hand(one, events);
      }
    }
  }

  function look(): Promise<void> {
    looking ??= lookAtAll()
      .catch((error: unknown) => {
        log.warn({ err: error }, 'events could not be read; it is tried again');
      })
      .finally(() => {
        looking = null;
      });
    return looking;
  }

  function arm(): void {
    if (timer !== null || closed || listening.size === 0) return;
    timer = clock.after(LOOK_EVERY_MS, () => {
      timer = null;
      void look().then(arm);
    });
  }

  return {
    subscribe(tid, after, subscriber) {
      const one: Listening = { tid, subscriber, seq: null, skip: 0, before: new Set() };
      listening.add(one);
      const retry = (): void => {
        begin(one, after).then(
          () => void look(),
          (error: unknown) => {
            if (!listening.has(one)) return;
            log.warn({ err: error }, 'an event stream could not begin; it is tried again');
            clock.after(LOOK_EVERY_MS, retry);
          },
        );
      };
      retry();
      arm();
      return () => {
        listening.delete(one);
      };
    },
    close() {
      closed = true;
      stopHearing();
      timer?.cancel();
      soon?.cancel();
      listening.clear();
    },
  };
}

/** The events of a row for one who has not had it. */
function takeRow(one: Listening, { seq, id, hash, row, old }: SealedRow): readonly StreamEvent[] {
  if (seq <= (one.seq ?? 0)) return [];
  const { skip } = one;
  one.skip = 0;
  // What was recorded before trails were sealed is no news, however late it is sealed.
  if (row === null || old || one.before.delete(id)) return [];
  const at = new Date(row.atUs / 1000).toISOString();
  return eventsOfRow(row)
    .map(({ type, subject, detail }, n): StreamEvent => {
      const resume = resumeAt({ seq, hash }, n);
      return { resume, id: resume, type, at, subject, detail };
    })
    .slice(skip);
}

function liveEvent({ id, type, at, subject, detail }: HubEvent): StreamEvent {
  return { resume: null, id, type, at, subject, detail };
}

function gapAt(tid: string, head: ChainPlace, clock: Clock): StreamEvent {
  const at = new Date(clock.wallMs()).toISOString();
  const resume = resumeAt(head, END);
  return { resume, id: resume, type: 'stream.gap', at, subject: { tid }, detail: {} };
}

/** Behind every event of a row: there are far fewer. */
const END = 99;

function resumeAt({ seq, hash }: ChainPlace, n: number): string {
  return `${seq}.${n}-${markOf(hash)}`;
}

/** Tells one history from another that has the same number, as after a restore. */
function markOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64url').slice(0, 8);
}
