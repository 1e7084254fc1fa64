import { type ExportedLine, type ExportFormat, exportHead, exportText } from '../audit/export.ts';
import type { Engine, SocketSession } from '../session/contract.ts';
import { connected, createPlaces } from './live-answer.ts';

/** Exports of one session at a time: each keeps the record at work for as long as it is read. */
const PLACES = createPlaces(2, 'exports');

/**
 * The audit trail as a file that is made while it is read.
 *
 * SOCKETS: it is registered and judged in one synchronous block, and again before each page leaves; once killed it is broken
 * off, so that nobody takes it for whole.
 *
 * @param open called after the registration; leaves the audit row.
 * @throws SekishoError `session_revoked`, `token_superseded`, `store_unavailable`, `too_many_streams`
 */
export async function openExport(
  engine: Pick<Engine, 'sockets' | 'events'>,
  session: SocketSession,
  format: ExportFormat,
  open: () => Promise<AsyncIterable<readonly ExportedLine[]>>,
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  let pages: AsyncIterator<readonly ExportedLine[]> | null = null;
  let ended = false;

  const leave = PLACES.take(engine.events, session.session.sessionId);
  const live = connected(engine, session, cut, leave);

  function end(): void {
    if (ended) return;
    ended = true;
    live.disconnect();
    leave();
    void pages?.return?.();
  }

  function cut(): void {
    if (ended) return;
    end();
    controller?.error(new Error('The export was cut: its session has ended.'));
  }

  async function next(): Promise<string | null> {
    if (pages === null) return null;
    const page = await pages.next();
    return page.done === true ? null : exportText(format, page.value);
  }

  try {
    pages = (await open())[Symbol.asyncIterator]();
  } catch (error) {
    end();
    throw error;
  }
  return new ReadableStream<Uint8Array>(
    {
      start(opened) {
        controller = opened;
        if (ended) opened.error(new Error('The export was cut: its session has ended.'));
        else opened.enqueue(encoder.encode(exportHead(format)));
      },
      async pull(open) {
        try {
          const text = await next();
          // It may have been cut while the page was read.
          if (ended) return;
          if (live.checkNow().kind !== 'pass') cut();
          else if (text !== null) open.enqueue(encoder.encode(text));
          else {
            end();
            open.close();
          }
        } catch (error) {
          end();
          open.error(error);
        }
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  );
}
