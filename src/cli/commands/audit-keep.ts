import type { Retention } from '../../record/trail-contract.ts';
import {
  type Call,
  type Command,
  given,
  type Option,
  optional,
  required,
  UsageError,
  wantsJson,
  yesOption,
} from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit.ts';
import { actOptions, withOperator } from '../operator.ts';
import { complain, counted, isoOf, print, timeOf } from '../output.ts';
import { progressBar } from '../progress.ts';
import { time } from '../time.ts';
import { ofTrail } from './audit.ts';

export const auditCheckpoint: Command = {
  name: 'audit checkpoint',
  operands: [],
  summary: 'Seals and signs where every trail stands now, and prints that to be kept elsewhere.',
  description: [
    'What it prints holds no secret. Kept where nobody who can write to the database can write, it shows later whether a trail was rewritten or put back: sekisho audit verify --checkpoints FILE. Exit code 1 when a trail cannot be sealed, since it was changed by other means.',
  ],
  options: [
    ...ofTrail.map((option) => ({ ...option, help: 'only this one: slug or id' })),
    ...actOptions,
  ],
  examples: [
    'sekisho audit checkpoint --json > /mnt/write-once/audit-2030-01-31.json',
    'sekisho audit checkpoint --tenant main',
  ],
  async run(call) {
    const tenant = optional(call, 'tenant');
    const kept = await withOperator(call, (operator) =>
      operator.checkpointAudit({ tenant, all: tenant === null }, progressBar('sealing rows')),
    );
    print(
      wantsJson(call),
      kept,
      kept.checkpoints.map(
        ({ tenant_id, sequence, at, token }) =>
          `${tenant_id === '' ? '(operators)' : tenant_id}  ${sequence}  ${at}  ${token}`,
      ),
    );
    for (const tid of kept.left) {
      const whose = tid === '' ? 'the operators' : tid;
      complain(
        `the audit trail of ${whose} was changed: not all of it is sealed; run sekisho audit verify`,
      );
    }
    return kept.left.length === 0 ? EXIT.done : EXIT.failed;
  },
};

export const auditPrune: Command = {
  name: 'audit prune',
  operands: [],
  summary: 'Removes rows that were sealed before a time, up to a signed checkpoint, which stays.',
  description: [
    'Checkpoints are kept for every hour, so up to an hour more stays; a trail that grows no more, such as that of a deleted tenant, can go to its end. What is not sealed yet is sealed first; what cannot be yet stays, is counted, and goes when the command is run again.',
    'Export the rows first: they cannot be brought back. That it was begun stands in the trail before anything goes. sekisho audit retention does this by itself, day by day.',
  ],
  options: [
    ...ofTrail,
    { name: 'before', value: 'TIME', help: 'RFC 3339 or a date; required' },
    yesOption,
    ...actOptions,
  ],
  examples: ['sekisho audit prune --tenant main --before 2029-01-01'],
  async run(call) {
    required(call, 'before');
    const beforeMs = time(call, 'before') ?? 0;
    const tenant = optional(call, 'tenant');
    const whose = tenant ?? 'the operators';
    await confirm(call, `Remove the audit trail of ${whose} before ${timeOf(beforeMs)}?`);
    const { removed, to, unsealed } = await withOperator(call, (operator) =>
      operator.pruneAudit({ tenant, beforeMs }, progressBar('removing rows')),
    );
    print(wantsJson(call), { removed, to, before: isoOf(beforeMs), unsealed }, [
      to === null
        ? 'no checkpoint was signed before that time: nothing was removed'
        : `${counted(removed, 'row')} removed; verification begins behind number ${to}`,
      ...passedOver(unsealed, 'removes them'),
    ]);
    return EXIT.done;
  },
};

export const auditErase: Command = {
  name: 'audit erase',
  operands: [],
  summary: "Erases a user's IP addresses, user agents and e-mail addresses from the audit trail.",
  description: [
    'What was done and when stays, under the user’s random id, and the chain still verifies. What is not sealed yet is sealed first; what cannot be yet is counted, and goes when the command is run again. For one who was deleted already: their id, or the address under which they tried to log in.',
    'Attempts to log in to a tenant that does not exist stand in the operators’ own trail, with the address that was typed: they are erased there, too, where the address is known. Without --tenant they alone are.',
  ],
  options: [
    ...ofTrail,
    { name: 'user', value: 'USER', help: 'e-mail address or id; required' },
    yesOption,
    ...actOptions,
  ],
  examples: [
    'sekisho audit erase --tenant main --user noor@main.example',
    'sekisho audit erase --user noor@main.example',
  ],
  async run(call) {
    const tenant = optional(call, 'tenant');
    const user = required(call, 'user');
    const whose = tenant ?? 'the operators';
    await confirm(
      call,
      `Erase the personal data of ${user} from the audit trail of ${whose}${tenant === null ? '' : ' and from what operators alone see'}?`,
    );
    const { erased, unsealed, operators } = await withOperator(call, (operator) =>
      operator.eraseAudit({ tenant, user }, progressBar('looking at rows')),
    );
    const own = operators ?? { erased: 0, unsealed: 0 };
    print(wantsJson(call), { erased, unsealed, operators }, [
      erased === 0
        ? 'no sealed row held personal data of theirs: nothing was erased'
        : `${counted(erased, 'row')} held personal data of theirs, and no more`,
      ...(own.erased === 0
        ? []
        : [
            `the operators' own trail: ${counted(own.erased, 'row')} held their address, and no more`,
          ]),
      ...passedOver(unsealed + own.unsealed, 'erases these'),
      ...(tenant === null || operators !== null
        ? []
        : [
            "their address is not known: sekisho audit erase --user ADDRESS looks for it in the operators' own trail",
          ]),
    ]);
    return EXIT.done;
  },
};

function passedOver(unsealed: number, then: string): readonly string[] {
  return unsealed === 0
    ? []
    : [`${unsealed} rows that are not sealed yet were passed over: running it again ${then}`];
}

const daysOption = (name: string, what: string): Option => ({
  name,
  value: 'DAYS',
  help: `how long ${what}: days, or forever`,
});

export const auditRetention: Command = {
  name: 'audit retention',
  operands: [],
  summary: 'Shows or sets how long audit rows, and the personal data in them, are kept.',
  description: [
    'Without --tenant it is what holds for every tenant that has nothing of its own. Nothing set: for ever. What has become too old goes within minutes, in batches, while clean-up is not paused; of deleted tenants too. It cannot be brought back: whoever sets an end is asked first.',
  ],
  options: [
    {
      name: 'tenant',
      value: 'SLUG',
      help: 'slug or id; default: all that have nothing of their own',
    },
    daysOption('days', 'rows are kept'),
    daysOption('personal-days', 'addresses, user agents and e-mail addresses are kept in them'),
    { name: 'inherit', help: 'the tenant follows the others again' },
    yesOption,
    ...actOptions,
  ],
  examples: [
    'sekisho audit retention',
    'sekisho audit retention --days 730 --personal-days 90',
    'sekisho audit retention --tenant main --days forever --personal-days 30',
  ],
  async run(call) {
    const tenant = optional(call, 'tenant');
    const audit = days(call, 'days');
    const personal = days(call, 'personal-days');
    const inherit = given(call, 'inherit');
    if (inherit && (tenant === null || audit !== undefined || personal !== undefined)) {
      throw new UsageError('--inherit stands with --tenant alone');
    }
    // With --inherit, too: what is set for the others may be shorter.
    if (inherit || typeof audit === 'number' || typeof personal === 'number') {
      await confirm(call, questionOf(tenant, audit, personal));
    }
    const now = await withOperator(call, async (operator) => {
      const was = await operator.getAuditRetention({ tenant });
      if (inherit) return operator.setAuditRetention({ tenant, retention: null });
      if (audit === undefined && personal === undefined) return was;
      const retention: Retention = {
        auditDays: audit === undefined ? was.auditDays : audit,
        personalDays: personal === undefined ? was.personalDays : personal,
      };
      return operator.setAuditRetention({ tenant, retention });
    });
    const shown = (value: number | null): string =>
      value === null ? 'for ever' : counted(value, 'day');
    print(
      wantsJson(call),
      { audit_days: now.auditDays, personal_days: now.personalDays, own: now.own },
      [
        `rows are kept ${shown(now.auditDays)}, personal data in them ${shown(now.personalDays)}`,
        ...(tenant !== null && !now.own ? ['as for every tenant that has nothing of its own'] : []),
      ],
    );
    return EXIT.done;
  },
};

function questionOf(
  tenant: string | null,
  audit: number | null | undefined,
  personal: number | null | undefined,
): string {
  const whose = tenant ?? 'every tenant that has nothing of its own';
  const what = [
    ...(typeof audit === 'number' ? [`rows after ${counted(audit, 'day')}`] : []),
    ...(typeof personal === 'number' ? [`personal data after ${counted(personal, 'day')}`] : []),
  ];
  const gone = what.length === 0 ? 'what the others keep no longer' : what.join(' and ');
  return `Remove from the audit trail of ${whose}, for good, ${gone}?`;
}

/** Days, null for ever, undefined when it was not said. @throws UsageError */
function days(call: Call, name: string): number | null | undefined {
  const text = optional(call, name);
  if (text === null) return undefined;
  if (text === 'forever') return null;
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 36_500) return Number(text);
  throw new UsageError(`--${name} must be days, 1 to 36500, or forever`);
}
