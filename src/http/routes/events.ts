import { SekishoError } from '../../errors.ts';
import { openEventStream } from '../events.ts';
import { type Route, route } from '../route.ts';

const stream = route({
  method: 'GET',
  path: '/v1/admin/events',
  name: 'admin.events',
  group: 'Insight',
  summary: 'What happens in the tenant, as it happens',
  description:
    'Server-sent events: `session.created`, `session.revoked`, `login.failed`, `login.limited`, `token.reused`, `policy.changed` and more; `data` is `{id, type, at, subject, …}`. They come in the order of the audit trail once it is sealed, about a second after they happened. With `Last-Event-ID` any node goes on behind that event, none lost and none twice; `stream.gap` says that it lies too far back (1,000 rows of the trail) and that what is shown must be loaded anew. `revocation.committed` and `revocation.everywhere` come at once, have no id, and are not repeated. A comment every 15 seconds. Cut at once when the session is revoked.',
  who: 'admin',
  responses: { 200: null },
  produces: 'text/event-stream',
  errors: ['too_many_streams'],
  async handle({ engine, presented, request, settings }) {
    const headers = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    if (presented === null) throw new SekishoError('credentials_required', 'Log in first.');
    const session = await engine.events.connectionOf(presented.token);
    if (request.method === 'HEAD') return { status: 200, headers };
    const { clock, meter } = settings;
    const after = request.headers.get('last-event-id') || null;
    const stream = openEventStream(engine, session, after, clock, meter);
    return { status: 200, headers, stream };
  },
});

export const eventRoutes: readonly Route[] = [stream];
