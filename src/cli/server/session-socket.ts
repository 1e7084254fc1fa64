import type { LiveSocket, SocketOptions } from '../../adapter/node/index.ts';
import type { Session } from '../../session/contract.ts';

/** How the server serves its sockets. Pings are sent by pages without anybody there: they put off no idle time-out. */
export const SERVED_SOCKETS: SocketOptions = {
  onConnection: serveSocket,
  isActivity: () => false,
};

/**
 * What the server says on `/v1/socket` beside its notices: `{"type":"session.opened","session_id":…}` once the ticket was good,
 * and `{"type":"pong","id":…}` for `{"type":"ping","id":…}`, so that a page can tell whether it still is served (browsers
 * cannot send pings of the protocol). Both are judged like every frame. Anything else is ignored.
 */
function serveSocket(socket: LiveSocket, { sessionId }: Session): void {
  socket.onMessage((message) => {
    const id = pingIn(message);
    if (id !== null) socket.send(JSON.stringify({ type: 'pong', id }));
  });
  socket.send(JSON.stringify({ type: 'session.opened', session_id: sessionId }));
}

/** Longest `id` of a ping, characters. */
const MAX_ID = 100;

function pingIn(message: string | Uint8Array): string | null {
  if (typeof message !== 'string') return null;
  try {
    const read: unknown = JSON.parse(message);
    if (typeof read !== 'object' || read === null) return null;
    if (!('type' in read) || read.type !== 'ping' || !('id' in read)) return null;
    return typeof read.id === 'string' && read.id.length <= MAX_ID ? read.id : null;
  } catch {
    return null;
  }
}
