import type { Route } from './route.ts';
import { adminAttemptRoutes } from './routes/admin-attempts.ts';
import { adminAuditRoutes } from './routes/admin-audit.ts';
import { adminClientRoutes } from './routes/admin-clients.ts';
import { adminNodeRoutes } from './routes/admin-nodes.ts';
import { adminPolicyRoutes } from './routes/admin-policy.ts';
import { adminRevocationRoutes } from './routes/admin-revocations.ts';
import { adminSessionRoutes } from './routes/admin-sessions.ts';
import { adminUserRoutes } from './routes/admin-users.ts';
import { authenticateRoutes } from './routes/authenticate.ts';
import { documentationRoutes } from './routes/documentation.ts';
import { eventRoutes } from './routes/events.ts';
import { loginRoutes } from './routes/login.ts';
import { oauthRoutes } from './routes/oauth.ts';
import { passwordRoutes } from './routes/password.ts';
import { sessionRoutes } from './routes/session.ts';
import { sessionsRoutes } from './routes/sessions.ts';
import { socketRoutes } from './routes/socket.ts';
import { wellKnownRoutes } from './routes/well-known.ts';

const described: readonly Route[] = [
  ...loginRoutes,
  ...sessionRoutes,
  ...sessionsRoutes,
  ...passwordRoutes,
  ...adminUserRoutes,
  ...adminSessionRoutes,
  ...adminRevocationRoutes,
  ...adminPolicyRoutes,
  ...adminAuditRoutes,
  ...adminAttemptRoutes,
  ...adminNodeRoutes,
  ...eventRoutes,
  ...adminClientRoutes,
  ...oauthRoutes,
  ...authenticateRoutes,
  ...socketRoutes,
  ...wellKnownRoutes,
];

/** Every route there is. Documentation, `Allow`, and the tests that go through all routes come from it. */
export const routes: readonly Route[] = Object.freeze([
  ...described,
  ...documentationRoutes(described),
]);

/** All routes of one path. */
export interface PathEntry {
  readonly path: string;
  /** The one that takes any method, where there is one; then `byMethod` is empty. */
  readonly any: Route | null;
  readonly byMethod: ReadonlyMap<string, Route>;
  /** Value of the `Allow` field (RFC 9110 section 10.2.1). */
  readonly allow: string;
}

const ORDER = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * The table by path, in the order in which a path is looked for: `/v1/sessions/revoke-others` is nobody's id, so paths
 * without a parameter come first.
 */
export function byPath(table: readonly Route[]): readonly PathEntry[] {
  const paths = new Map<string, Route[]>();
  for (const one of table) paths.set(one.path, [...(paths.get(one.path) ?? []), one]);
  const ordered = [...paths].sort(([a], [b]) => Number(/[{*]/.test(a)) - Number(/[{*]/.test(b)));
  return ordered.map(([path, rows]) => {
    const any = rows.find((row) => row.method === 'ANY') ?? null;
    const byMethod = new Map<string, Route>(
      any === null ? rows.map((row) => [row.method, row]) : [],
    );
    const get = byMethod.get('GET');
    if (get !== undefined) byMethod.set('HEAD', get);
    const allow = ORDER.filter(
      (method) => any !== null || method === 'OPTIONS' || byMethod.has(method),
    );
    return { path, any, byMethod, allow: allow.join(', ') };
  });
}
