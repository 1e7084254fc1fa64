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
    'Server-sent events: `session.created`, `session.revoked`, `login.failed`, `login.limited`, `token.reused`, `policy.changed` and more; `data` is `{id, type, at, subject, …}`. A comment every 15 seconds. Cut at once when the session is revoked.',
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
    return { status: 200, headers, stream: openEventStream(engine, session, clock, meter) };
  },
});

export const eventRoutes: readonly Route[] = [stream];
