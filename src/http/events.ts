import type { Clock, Timer } from '../clock.ts';
import type { HttpMeter } from '../observe/meter.ts';
import type { Engine, SocketSession } from '../session/contract.ts';
import type { StreamEvent } from '../session/events.ts';
import { connected, createPlaces } from './live-answer.ts';

/** Milliseconds between comments, so that nobody on the way takes the stream for dead. */
const COMMENT_MS = 15_000;

/** How long a browser waits before it opens the stream again, milliseconds. */
const RETRY_MS = 3_000;

/**
 * What may wait for a reader who does not read, beyond which the stream is cut: each chunk counts by the KiB that it has
 * begun, since one may hold a whole page of events.
 */
const MAX_WAITING = 1_000;
const UNIT_BYTES = 1_024;

/** Event streams of one session at a time, as many as sockets: a megabyte may wait for each (A7). */
const PLACES = createPlaces(16, 'event streams');

/**
 * Opens the event stream of a tenant (server-sent events, HTML standard section 9.2).
 *
 * SOCKETS: it is registered and judged in one synchronous block; each frame is judged like a request; once killed, not a
 * byte follows, and what was waiting to be read is thrown away.
 *
 * @param after `Last-Event-ID`: the stream goes on behind that event, on whichever node it was given.
 * @throws SekishoError `session_revoked`, `token_superseded`, `store_unavailable`, `too_many_streams`
 */
export function openEventStream(
  engine: Pick<Engine, 'sockets' | 'events'>,
  session: SocketSession,
  after: string | null,
  clock: Clock,
  meter: HttpMeter | null,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  let timer: Timer | null = null;
  let ended = false;

  const leave = PLACES.take(engine.events, session.session.sessionId);
  const live = connected(engine, session, cut, leave);
  let unsubscribe = (): void => {};
  meter?.streamsChanged(1);

  /** Ends it for good; before it returns nothing more can be read. */
  function end(): void {
    if (ended) return;
    ended = true;
    timer?.cancel();
    unsubscribe();
    live.disconnect();
    leave();
    meter?.streamsChanged(-1);
  }

  function cut(): void {
    if (ended) return;
    end();
    const waiting = MAX_WAITING - (controller?.desiredSize ?? MAX_WAITING) > 0;
    // An errored stream drops its queue; closing would still deliver it.
    if (waiting) controller?.error(new Error('The event stream was cut.'));
    else controller?.close();
  }

  function send(text: string): void {
    if (ended || controller === null) return;
    const slow = (controller.desiredSize ?? 0) <= 0;
    if (slow || live.checkNow().kind !== 'pass') cut();
    else controller.enqueue(encoder.encode(text));
  }

  function comment(): void {
    timer = clock.after(COMMENT_MS, () => {
      send(': still here\n\n');
      if (!ended) comment();
    });
  }

  return new ReadableStream<Uint8Array>(
    {
      start(opened) {
        controller = opened;
        if (ended) return;
        unsubscribe = engine.events.subscribe(session.session.tenantId, after, {
          // The first bytes make everybody on the way pass the header on. An id alone is no event, and is kept all the same.
          started: (resume) => send(`retry: ${RETRY_MS}\nid: ${resume}\n: connected\n\n`),
          events: (events) => send(events.map(frameOf).join('')),
        });
        comment();
      },
      cancel: end,
    },
    { highWaterMark: MAX_WAITING, size: (chunk) => Math.ceil(chunk.byteLength / UNIT_BYTES) },
  );
}

/** One event. JSON has no line breaks, so `data` is one line. */
function frameOf(event: StreamEvent): string {
  const { resume, id, type, at, subject } = event;
  // An event has an id of its own; the revocation that it speaks of keeps its one under another name.
  const { id: revocationId, ...detail } = event.detail;
  const data = JSON.stringify({
    id,
    type,
    at,
    subject: subjectOf(subject),
    ...(revocationId === undefined ? {} : { revocation_id: revocationId }),
    ...detail,
  });
  const place = resume === null ? '' : `id: ${resume}\n`;
  return `${place}event: ${type}\ndata: ${data}\n\n`;
}

const NAMES: Readonly<Record<string, string>> = {
  tid: 'tenant_id',
  uid: 'user_id',
  sid: 'session_id',
};

function subjectOf(subject: StreamEvent['subject']): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    Object.entries(subject).map(([name, value]) => [NAMES[name] ?? name, value]),
  );
}
