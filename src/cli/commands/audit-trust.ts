import { type Command, given, optional, UsageError, wantsJson, yesOption } from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit.ts';
import { actOptions, withOperator } from '../operator.ts';
import { complain, counted, print } from '../output.ts';
import { progressBar } from '../progress.ts';
import { ofTrail } from './audit.ts';
import { lineOf, shownProblem } from './audit-problem.ts';

export const auditAccept: Command = {
  name: 'audit accept',
  operands: [],
  summary: 'Has the nodes go on with an audit trail that is not what they have sealed.',
  description: [
    'For a trail whose newest rows a failover has lost, or that was put back: nodes take it for rewritten, and neither seal nor sign it. Look first: sekisho audit verify --witness FILE, with the log of before. It says how the chain stands now, signed, and every node goes on within a minute; that, and who decided it, is a row of the trail.',
    'Where no key of ours has signed where the trail stands, or what was pruned of it, it is signed now. What verification finds in the rows stays found. It cannot be taken back.',
  ],
  options: [
    ...ofTrail.map((option) => ({ ...option, help: 'slug or id, also of one that was deleted' })),
    { name: 'operators', help: "the operators' own trail" },
    yesOption,
    ...actOptions,
  ],
  examples: [
    'sekisho audit accept --tenant main',
    'sekisho audit accept --operators --by noor --yes --json',
  ],
  async run(call) {
    const tenant = optional(call, 'tenant');
    if (given(call, 'operators') === (tenant !== null)) {
      throw new UsageError('say which trail: --tenant SLUG or --operators');
    }
    const whose = tenant ?? 'the operators';
    await confirm(call, `Take the audit trail of ${whose} for good as it stands now?`);
    const { tid, sequence, wrong, problems } = await withOperator(call, (operator) =>
      operator.acceptAudit({ tenant }, progressBar('verifying rows')),
    );
    const shown = problems.map(shownProblem);
    print(wantsJson(call), { tenant_id: tid, sequence, wrong, problems: shown }, [
      `the audit trail of ${whose} is gone on with behind number ${sequence}`,
      ...(wrong === 0 ? [] : [`what was wrong with it: ${counted(wrong, 'finding')}`]),
      ...problems.map((problem) => lineOf(problem, tenant)),
    ]);
    return EXIT.done;
  },
};

export const auditRotateKey: Command = {
  name: 'audit rotate-key',
  operands: [],
  summary: 'Has a new key sign the audit trails from now on.',
  description: [
    'For a SEKISHO_SECRET that somebody else has got, once the new one stands first on all nodes: without this the next key signs an hour or two later. The keys before it sign no more, on other nodes within a minute; what they have signed is verified as before. Where trails stand, and what was pruned of them, the new key says again. Exit code 1 where there are trails of which no key that opens has said it.',
  ],
  options: [yesOption, ...actOptions],
  examples: ['sekisho audit rotate-key', 'sekisho audit rotate-key --yes --json'],
  async run(call) {
    await confirm(call, 'Retire every key that signs audit trails, and make another?');
    const { kid, retired, signed, left } = await withOperator(call, (operator) =>
      operator.rotateAuditKey(),
    );
    print(wantsJson(call), { key: kid, retired, signed, left }, [
      `${kid} signs from now on; ${counted(retired.length, 'key')} retired`,
      `${counted(signed, 'trail')} signed by it`,
    ]);
    for (const tid of left) {
      complain(
        `where the audit trail of ${tid === '' ? 'the operators' : tid} stands is not signed by it: run sekisho audit verify`,
      );
    }
    return left.length === 0 ? EXIT.done : EXIT.failed;
  },
};
