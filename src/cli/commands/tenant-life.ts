import { type Command, operand, wantsJson, yesOption } from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit.ts';
import { tenantJson } from '../objects.ts';
import { actOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';
import { progressBar } from '../progress.ts';
import {
  reasonOption,
  revocationExit,
  revocationJson,
  revokedLine,
  revokingOf,
  waitOption,
} from '../revoking.ts';

export const tenantSuspend: Command = {
  name: 'tenant suspend',
  operands: ['SLUG'],
  summary: 'Ends every session of a tenant, and lets nobody of it log in.',
  description: [
    'Logins with the right password get 403 tenant_suspended until the tenant is resumed; tokens from before get 401 session_revoked. Nothing is lost: users, roles and policy stay. Suspending it once more ends whatever there is and does no harm.',
  ],
  options: [reasonOption, waitOption, yesOption, ...actOptions],
  examples: [
    'sekisho tenant suspend skyline --reason "contract ended"',
    'sekisho tenant suspend skyline --yes --wait 20s --json',
  ],
  async run(call) {
    const slug = operand(call, 0);
    const revoking = revokingOf(call);
    await confirm(call, `Suspend ${slug}: every session of it ends?`);
    const { tenant, revocation } = await withOperator(call, (operator) =>
      operator.suspendTenant({ tenant: slug, ...revoking }),
    );
    print(wantsJson(call), { tenant: tenantJson(tenant), ...revocationJson(revocation) }, [
      revokedLine(`${tenant.slug} is suspended; its sessions have ended`, revocation),
    ]);
    return revocationExit(call, revocation);
  },
};

export const tenantResume: Command = {
  name: 'tenant resume',
  operands: ['SLUG'],
  summary: 'Lets the users of a suspended tenant log in again.',
  description: ['Sessions from before the suspension stay ended.'],
  options: actOptions,
  examples: ['sekisho tenant resume skyline'],
  async run(call) {
    const { tenant } = await withOperator(call, (operator) =>
      operator.resumeTenant({ tenant: operand(call, 0) }),
    );
    print(wantsJson(call), { tenant: tenantJson(tenant) }, [`${tenant.slug} is active`]);
    return EXIT.done;
  },
};

export const tenantDelete: Command = {
  name: 'tenant delete',
  operands: ['SLUG'],
  summary: 'Ends every session of a tenant, then removes it with everything it has.',
  description: [
    'There is no way back but a backup. Nobody of the tenant gets in from the first moment on; its rows go in small batches while everybody else is served. When it was interrupted, the same command goes on. Afterwards the slug is free; the ids are never used again. The audit trail stays, and the operator’s own part of it says who was deleted.',
  ],
  options: [reasonOption, waitOption, yesOption, ...actOptions],
  examples: [
    'sekisho tenant delete skyline',
    'sekisho tenant delete skyline --yes --reason "offboarding 4711" --json',
  ],
  async run(call) {
    const slug = operand(call, 0);
    const revoking = revokingOf(call);
    await confirm(call, `Delete ${slug} with all its users and sessions, for good?`);
    const { tenant, revocation, rows } = await withOperator(call, (operator) =>
      operator.deleteTenant({ tenant: slug, ...revoking }, progressBar(`deleting ${slug}`)),
    );
    print(wantsJson(call), { tenant: tenantJson(tenant), ...revocationJson(revocation), rows }, [
      ...(revocation === null ? [] : [revokedLine('its sessions have ended', revocation)]),
      `${tenant.slug} is deleted: ${rows} rows; the slug is free`,
    ]);
    return revocationExit(call, revocation);
  },
};
