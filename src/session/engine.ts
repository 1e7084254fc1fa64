import { createAttemptAdministration } from './admin-attempts.ts';
import { createAuditAdministration } from './admin-audit.ts';
import { createClientAdministration } from './admin-clients.ts';
import { createPolicyAdministration } from './admin-policy.ts';
import { createSessionAdministration } from './admin-sessions.ts';
import { createUserAdministration } from './admin-users.ts';
import type { Authenticator } from './authenticate.ts';
import { createClients } from './clients.ts';
import type { Engine } from './contract.ts';
import { createSession } from './create-session.ts';
import type { EventFeed } from './events.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { createNodes } from './nodes.ts';
import { createOperator } from './operator.ts';
import { createOwnSessions } from './own-sessions.ts';
import { changePassword, resetPassword } from './password.ts';
import { reauthenticate } from './reauthenticate.ts';
import { refresh } from './refresh.ts';
import type { Services } from './services.ts';
import { connectionOf, createSockets } from './socket-tickets.ts';

/** All use cases over one set of services. */
export function createEngine(
  services: Services,
  authenticator: Authenticator,
  feed: EventFeed,
): Engine {
  const { record, backups } = services;
  return Object.freeze({
    authentication: authenticator,
    logins: Object.freeze({
      login: (input, origin) => login(services, input, origin),
      refresh: (token, origin) => refresh(services, token, origin),
      logout: (presented, origin) => logout(services, authenticator, presented, origin),
      reauthenticate: (caller, password) => reauthenticate(services, caller, password),
      changePassword: (caller, current, next) => changePassword(services, caller, current, next),
      resetPassword: (token, next, origin) => resetPassword(services, token, next, origin),
      createSession: (input, origin) => createSession(services, input, origin),
    } satisfies Engine['logins']),
    ownSessions: createOwnSessions(services),
    administration: Object.freeze({
      ...createUserAdministration(services),
      ...createSessionAdministration(services),
      ...createPolicyAdministration(services),
      ...createAuditAdministration(services),
      ...createAttemptAdministration(services),
      ...createClientAdministration(services),
      ...createNodes(services),
    }),
    clients: createClients(services, authenticator),
    operator: createOperator(services),
    operatorNamed: (by: string) => createOperator(services, by),
    sockets: createSockets(services, authenticator),
    events: Object.freeze({
      subscribe: feed.subscribe,
      connectionOf: (token: string) => connectionOf(services, authenticator, token),
    }),
    maintenance: services.maintenance,
    tokens: Object.freeze({ status: authenticator.status }),
    trail: Object.freeze({ status: services.trail.status }),
    backups: record.kind === 'pglite' && backups ? Object.freeze({ status: backups.status }) : null,
    jwks: async () => services.keys.jwks(),
    get issuer() {
      return services.issuer.current();
    },
    issuers: services.issuer.accepted,
    audience: services.audience,
    status: () => services.follower.status(),
    schema: () => record.schema(),
  });
}
