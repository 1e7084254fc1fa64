import type { Authenticator } from './authenticate.ts';

/**
 * FRESH for every check (docs/protocol.md section 8): for platforms that freeze whole processes or machines, where a lease
 * that looks young may be old. Each answer costs a heartbeat, which requests at the same time share. Sockets are judged by
 * the lease all the same, where a ticket opens one and with each frame, since a frame cannot wait for the record: what is
 * left of the lease when a frozen machine wakes is what a revoked session's socket may still have
 * (docs/configuration.md).
 */
export function alwaysFresh(authenticator: Authenticator): Authenticator {
  return {
    ...authenticator,
    authenticate: (token, options) =>
      authenticator.authenticate(token, { ...options, fresh: true }),
  };
}
