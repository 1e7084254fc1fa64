import type { Command } from '../command.ts';
import { reachOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';

export const opsRestored: Command = {
  name: 'ops restored',
  operands: [],
  summary:
    'Declares that the record was put back from a backup: ends every session of every tenant and replaces the signing keys, so that nothing that was revoked or withdrawn after the backup comes back.',
  options: reachOptions,
  examples: [
    'sekisho ops restored --data-dir /var/lib/sekisho',
    'DATABASE_URL=postgres://… SEKISHO_SECRET=… sekisho ops restored --json',
  ],
  async run(call) {
    const { id, position, barrier } = await withOperator(call, (operator) =>
      operator.declareRestored(),
    );
    const { effective } = barrier;
    print(call.options.json === true, { revocation: { id, position, effective } }, [
      `everybody is logged out ${effective === 'everywhere' ? 'everywhere' : '(pending on some nodes)'}; open password resets are void, and another key signs`,
      'passwords, roles and status are those of the backup: look at what was changed after it',
    ]);
    return 0;
  },
};
