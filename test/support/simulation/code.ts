import { createHubCodec } from '../../../src/hub/message.ts';
import { createCommitter } from '../../../src/revocation/committer.ts';
import { createFollower } from '../../../src/revocation/follower.ts';
import { createAuthenticator } from '../../../src/session/authenticate.ts';
import { login } from '../../../src/session/login.ts';
import { refresh } from '../../../src/session/refresh.ts';
import { perform, standing } from '../../../src/session/revoke.ts';

/**
 * The production code that runs in every node of a simulation. Imported with `?mutant=NAME` (test/support/mutants.ts), the
 * same code with one rule left out.
 */
export const code = {
  createCommitter,
  createFollower,
  createHubCodec,
  createAuthenticator,
  login,
  refresh,
  perform,
  standing,
};

export type Code = typeof code;
