import type { RevokedSubject } from '../../session/operator/contract.ts';
import {
  type Call,
  type Command,
  operand,
  optional,
  required,
  wantsJson,
  yesOption,
} from '../command.ts';
import { confirm } from '../confirm.ts';
import { actOptions, reachOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';
import {
  reasonOption,
  revocationExit,
  revocationJson,
  revokedLine,
  revokingOf,
  tenantOption,
  waitMsOf,
  waitOption,
} from '../revoking.ts';

const ENDING = [
  'The answer comes when no node accepts their tokens any more. Exit code 3: it is committed and will not be undone, but some node has not said so within the time waited for; by the deadline that is printed it is everywhere.',
];

export const revokeUser: Command = {
  name: 'revoke user',
  operands: ['USER'],
  summary: 'Ends every session of a user.',
  description: ENDING,
  options: [tenantOption, reasonOption, waitOption, ...actOptions],
  examples: [
    'sekisho revoke user --tenant skyline noor@skyline.example --reason "laptop lost"',
    'sekisho revoke user --tenant skyline noor@skyline.example --wait 30s --json',
  ],
  run(call) {
    const user = operand(call, 0);
    const subject = { scope: 'user', tenant: required(call, 'tenant'), user } as const;
    return revokeSubject(call, subject, `every session of ${user} has ended`);
  },
};

export const revokeSession: Command = {
  name: 'revoke session',
  operands: ['SESSION'],
  summary: 'Ends one session, by its id.',
  description: ENDING,
  options: [tenantOption, reasonOption, waitOption, ...actOptions],
  examples: ['sekisho revoke session --tenant skyline hQ2mZ7xW0rTn5bJ8cK1vYA'],
  run: (call) =>
    revokeSubject(
      call,
      { scope: 'session', tenant: required(call, 'tenant'), session: operand(call, 0) },
      'the session has ended',
    ),
};

export const revokeTenant: Command = {
  name: 'revoke tenant',
  operands: ['SLUG'],
  summary: 'Ends every session of a tenant; its users may log in again.',
  description: ENDING,
  options: [reasonOption, waitOption, yesOption, ...actOptions],
  examples: ['sekisho revoke tenant skyline --yes --reason "incident 12"'],
  async run(call) {
    const tenant = operand(call, 0);
    await confirm(call, `End every session of ${tenant}?`);
    return revokeSubject(call, { scope: 'tenant', tenant }, `every session of ${tenant} has ended`);
  },
};

export const revokeAll: Command = {
  name: 'revoke all',
  operands: [],
  summary: 'Ends every session of every tenant; everybody may log in again.',
  description: ENDING,
  options: [reasonOption, waitOption, yesOption, ...actOptions],
  examples: ['sekisho revoke all --yes --reason "incident 12" --wait 30s'],
  async run(call) {
    await confirm(call, 'End every session of every tenant?');
    return revokeSubject(call, { scope: 'all' }, 'every session has ended');
  },
};

export const revokeShow: Command = {
  name: 'revoke show',
  operands: ['REVOCATION'],
  summary: 'Tells whether a revocation is everywhere by now, by its id.',
  options: [
    { ...tenantOption, help: 'its tenant, by slug or id; without it: one of every tenant' },
    waitOption,
    ...reachOptions,
  ],
  examples: ['sekisho revoke show --tenant skyline 3sNqZ7xW0rTn5bJ8cK1vYA --wait 30s'],
  async run(call) {
    const waitMs = waitMsOf(call);
    const revocation = await withOperator(call, (operator) =>
      operator.getRevocation({ tenant: optional(call, 'tenant'), id: operand(call, 0), waitMs }),
    );
    const what = `revocation ${revocation.position} of scope ${revocation.scope} holds`;
    print(wantsJson(call), revocationJson(revocation), [revokedLine(what, revocation)]);
    return revocationExit(call, revocation);
  },
};

/** Ends `subject`, and says what came of it. @param done what to say of it, such as `every session has ended` */
async function revokeSubject(call: Call, subject: RevokedSubject, done: string): Promise<number> {
  const revoking = revokingOf(call);
  const revocation = await withOperator(call, (operator) =>
    operator.revokeSessions({ ...subject, ...revoking }),
  );
  print(wantsJson(call), revocationJson(revocation), [revokedLine(done, revocation)]);
  return revocationExit(call, revocation);
}
