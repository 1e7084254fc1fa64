import { type Command, wantsJson, yesOption } from '../command.ts';
import { confirm } from '../confirm.ts';
import { actOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';
import { revocationExit, revocationJson, revokedLine, waitMsOf, waitOption } from '../revoking.ts';
import { inForceJson, inForceLine } from './restore.ts';

export const opsRestored: Command = {
  name: 'ops restored',
  operands: [],
  summary:
    'Declares that the record was put back from a backup: ends every session of every tenant and replaces the signing keys, so that nothing that was revoked or withdrawn after the backup comes back.',
  description: [
    'A new generation begins. On PostgreSQL nothing of it is said to be everywhere before half a minute, the longest that a node which nobody knows of could answer: until the deadline that is printed it is pending, and the exit code is 3, unless it was not waited for (--wait 0). Ask then with revoke show.',
    'sekisho restore does it by itself.',
  ],
  options: [waitOption, yesOption, ...actOptions],
  examples: [
    'sekisho ops restored --data-dir /var/lib/sekisho',
    'DATABASE_URL=postgres://… SEKISHO_SECRET=… sekisho ops restored --yes --wait 0 --json',
  ],
  async run(call) {
    const waitMs = waitMsOf(call);
    await confirm(
      call,
      'Declare the record restored: every session of every tenant ends, and another key signs?',
    );
    const { revocation, inForce } = await withOperator(call, async (operator) => {
      const declared = await operator.declareRestored({ waitMs });
      return { revocation: declared, inForce: (await operator.operations()).overrides };
    });
    print(wantsJson(call), { ...revocationJson(revocation), in_force: inForce.map(inForceJson) }, [
      revokedLine('everybody is logged out', revocation),
      'open password resets are void, and another key signs',
      'passwords, roles and status are those of the backup: look at what was changed after it',
      ...inForce.map(inForceLine),
    ]);
    return revocationExit(call, revocation);
  },
};
