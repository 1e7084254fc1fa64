import { z } from 'zod';
import { clearTokens } from '../cookies.ts';
import { listSchema } from '../objects/common.ts';
import { sessionOf, sessionSchema } from '../objects/people.ts';
import { pageFields, pageOf } from '../page.ts';
import { type Route, route } from '../route.ts';
import { REVOKED, revoked } from './revoked.ts';

const list = route({
  method: 'GET',
  path: '/v1/sessions',
  name: 'sessions.list',
  group: 'Own session',
  summary: 'The own devices',
  description: 'Sessions that are alive, newest first; exactly one is `current`.',
  who: 'user',
  query: z.strictObject(pageFields),
  responses: { 200: listSchema('sessions', sessionSchema) },
  errors: ['invalid_cursor'],
  async handle({ engine, caller, query }) {
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => engine.ownSessions.list(caller, page),
      (row) => ({ atMs: row.createdAtMs, id: row.sid }),
    );
    const sessions = rows.map((row) => sessionOf(row, caller.session.sessionId));
    return { status: 200, body: { sessions, next_cursor: nextCursor } };
  },
});

const revokeOne = route({
  method: 'DELETE',
  path: '/v1/sessions/{sid}',
  name: 'sessions.revoke',
  group: 'Own session',
  summary: 'End one of the own sessions',
  who: 'user',
  params: { sid: 'session' },
  responses: REVOKED,
  errors: ['not_found'],
  async handle({ engine, caller, params, presented, cookieNames }) {
    const { revocation } = await engine.ownSessions.revoke(caller, params.sid);
    const self = params.sid === caller.session.sessionId && presented?.via === 'cookie';
    return { ...revoked(revocation), cookies: self ? clearTokens(cookieNames) : [] };
  },
});

const revokeOthers = route({
  method: 'POST',
  path: '/v1/sessions/revoke-others',
  name: 'sessions.revokeOthers',
  group: 'Own session',
  summary: 'End all of the own sessions but this one',
  who: 'user',
  responses: REVOKED,
  async handle({ engine, caller }) {
    const { revocation } = await engine.ownSessions.revokeOthers(caller);
    return revoked(revocation);
  },
});

export const sessionsRoutes: readonly Route[] = [list, revokeOne, revokeOthers];
