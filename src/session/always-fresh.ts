import type { Authenticator } from './authenticate.ts';

/**
 * FRESH for every check (docs/protocol.md section 8): for platforms that freeze whole processes or machines, where a lease
 * that looks young may be old. Each answer costs a heartbeat, which requests at the same time share. Open sockets are
 * judged by the lease all the same: they stand still with their process, and are judged again when it goes on.
 */
export function alwaysFresh(authenticator: Authenticator): Authenticator {
  return {
    ...authenticator,
    authenticate: (token, options) =>
      authenticator.authenticate(token, { ...options, fresh: true }),
  };
}
