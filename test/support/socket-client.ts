import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';

/** A WebSocket client that remembers what it was told. */
export interface SocketClient {
  readonly ws: WebSocket;
  readonly messages: string[];
  /** The next message, or the next one that is there already. */
  next(): Promise<string>;
  /** Close code and, when the upgrade itself was refused, its HTTP status as `code`. */
  readonly closed: Promise<number>;
}

/** Opens a socket at `origin`; `ticket` goes into the subprotocols. Never rejects: look at `closed`. */
export function openSocket(
  origin: string,
  ticket: string | null,
  options: ClientOptions = {},
): SocketClient {
  const protocols = ['sekisho.v1', ...(ticket === null ? [] : [`sekisho.ticket.${ticket}`])];
  const ws = new WebSocket(`${origin.replace('http', 'ws')}/v1/socket`, protocols, options);
  const messages: string[] = [];
  let taken = 0;
  ws.on('message', (data) => void messages.push(String(data)));
  ws.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => {
    ws.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      ws.terminate();
    });
    ws.once('close', (code) => resolve(code));
  });
  const next = async (): Promise<string> => {
    if (messages.length === taken) await once(ws, 'message');
    taken += 1;
    return messages[taken - 1] ?? '';
  };
  return { ws, messages, next, closed };
}
