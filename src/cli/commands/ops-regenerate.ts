import { type Command, optional, wantsJson } from '../command.ts';
import { actOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';
import { revocationExit, revocationJson, revokedLine, waitMsOf, waitOption } from '../revoking.ts';
import { whoOf } from '../who.ts';

export const opsRegenerate: Command = {
  name: 'ops regenerate',
  operands: [],
  summary: 'Supersedes every access token, so that all sessions are regenerated.',
  description: [
    'Each client refreshes at its next request, and gets a new access token and a new refresh token; the one before is used up. Nobody is logged out by that, and sockets come back by themselves. A copy of a refresh token that somebody stole comes to light: whoever of both comes second is a thief to the record, which ends the session.',
    'It does not end sessions (revoke tenant, revoke all) and changes no key (keys rotate). See docs/operations.md.',
  ],
  options: [
    { name: 'tenant', value: 'SLUG', help: 'of one tenant, by slug or id; default: of all' },
    waitOption,
    ...actOptions,
  ],
  examples: ['sekisho ops regenerate --tenant skyline', 'sekisho ops regenerate --json'],
  async run(call) {
    const tenant = optional(call, 'tenant');
    const input = { by: whoOf(call), tenant, waitMs: waitMsOf(call) };
    const revocation = await withOperator(call, (operator) => operator.regenerateSessions(input));
    print(wantsJson(call), revocationJson(revocation), [
      revokedLine(`every access token of ${tenant ?? 'all tenants'} is superseded`, revocation),
    ]);
    return revocationExit(call, revocation);
  },
};
