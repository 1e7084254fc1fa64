import { z } from 'zod';
import { SekishoError } from '../../errors.ts';
import { HttpError } from '../problem.ts';
import { type Route, route } from '../route.ts';

const ticket = route({
  method: 'POST',
  path: '/v1/socket-ticket',
  name: 'socket.ticket',
  group: 'Gateways and sockets',
  summary: 'A ticket for a socket',
  description:
    'Good once and for 30 seconds. Offer it as the subprotocol `sekisho.ticket.<ticket>` beside `sekisho.v1`, or send it as the first message.',
  who: 'user',
  responses: { 200: z.strictObject({ ticket: z.string(), expires_in: z.int() }) },
  async handle({ engine, caller }) {
    const { ticket, expiresInSeconds } = await engine.sockets.issueTicket(caller);
    return { status: 200, body: { ticket, expires_in: expiresInSeconds } };
  },
});

const socket = route({
  method: 'GET',
  path: '/v1/socket',
  name: 'socket.open',
  group: 'Gateways and sockets',
  summary: 'Open a socket',
  description:
    'A WebSocket upgrade. Closes with 4401 at revocation or logout, 4403 when the session ends, 4409 when superseded (come back with a new ticket), 4408 without a good ticket. `sekisho serve` says `{"type": "session.opened", "session_id": …}` once the ticket was good, and answers `{"type": "ping", "id": …}` with a `pong`, which counts as no activity.',
  who: 'anyone',
  responses: { 101: null },
  errors: ['upgrade_required', 'origin_denied'],
  // The upgrade itself never comes here: it is the connection's, not the request's (src/adapter/node).
  async handle({ request, context, settings }) {
    const origin = request.headers.get('origin');
    if (origin !== null && !settings.allows(origin, context)) {
      throw new SekishoError('origin_denied', 'A page of this origin may not open a socket.');
    }
    throw new HttpError('upgrade_required', 'This path speaks WebSocket only.', {
      upgrade: 'websocket',
      connection: 'Upgrade',
    });
  },
});

export const socketRoutes: readonly Route[] = [ticket, socket];
