import { resetOf, userOf } from '../../http/objects/people.ts';
import type { Revocation } from '../../session/contract.ts';
import type { User } from '../../tenant/types.ts';
import {
  type Call,
  type Command,
  given,
  many,
  operand,
  optional,
  required,
  UsageError,
  wantsJson,
  yesOption,
} from '../command.ts';
import { confirm } from '../confirm.ts';
import { actOptions, type OperatorCommands, withOperator } from '../operator.ts';
import { print } from '../output.ts';
import { readPassword } from '../password.ts';
import {
  reasonOption,
  revocationExit,
  revocationJson,
  revokedLine,
  tenantOption,
  waitMsOf,
  waitOption,
} from '../revoking.ts';
import { linkLines } from './user.ts';

export const userDisable: Command = {
  name: 'user disable',
  operands: ['USER'],
  summary: 'Ends every session of a user, and lets nobody log in as them.',
  options: [tenantOption, reasonOption, waitOption, ...actOptions],
  examples: [
    'sekisho user disable --tenant skyline noor@skyline.example --reason "left the company"',
  ],
  run: (call) =>
    change(
      call,
      (operator, who) =>
        operator.patchUser({ ...who, status: 'disabled', reason: optional(call, 'reason') }),
      ({ email }) => `${email} is disabled and logged out`,
    ),
};

export const userEnable: Command = {
  name: 'user enable',
  operands: ['USER'],
  summary: 'Lets a disabled user log in again.',
  options: [tenantOption, ...actOptions],
  examples: ['sekisho user enable --tenant skyline noor@skyline.example'],
  run: (call) =>
    change(
      call,
      (operator, who) => operator.patchUser({ ...who, status: 'active' }),
      ({ email }) => `${email} may log in`,
    ),
};

export const userRoles: Command = {
  name: 'user roles',
  operands: ['USER'],
  summary: 'Replaces the roles of a user, at once and without logging them out.',
  options: [
    tenantOption,
    { name: 'role', value: 'ROLE', help: 'one of the new roles; required', repeats: true },
    waitOption,
    ...actOptions,
  ],
  examples: [
    'sekisho user roles --tenant skyline noor@skyline.example --role admin --role buyer',
    'sekisho user roles --tenant skyline noor@skyline.example --role member --json',
  ],
  async run(call) {
    const roles = many(call, 'role');
    if (roles.length === 0) throw new UsageError('--role is missing');
    return change(
      call,
      (operator, who) => operator.patchUser({ ...who, roles }),
      (user) => `${user.email} has ${user.roles.join(', ')}`,
    );
  },
};

export const userDelete: Command = {
  name: 'user delete',
  operands: ['USER'],
  summary: 'Ends every session of a user and removes them.',
  options: [tenantOption, reasonOption, waitOption, yesOption, ...actOptions],
  examples: [
    'sekisho user delete --tenant skyline noor@skyline.example --yes --reason "asked to be forgotten"',
  ],
  async run(call) {
    const tenant = required(call, 'tenant');
    await confirm(call, `Delete ${operand(call, 0)} of ${tenant} for good?`);
    return change(
      call,
      (operator, who) => operator.deleteUser({ ...who, reason: optional(call, 'reason') }),
      ({ email }) => `${email} is deleted; their sessions have ended`,
      { status: 'deleted' },
    );
  },
};

export const userReset: Command = {
  name: 'user reset',
  operands: ['USER'],
  summary: 'Gives somebody a new way in: the old password is dead, all their sessions are revoked.',
  description: [
    'The new password is asked for, or read from the first line of standard input; with --link a one-time token is made, with which they choose one themselves. A disabled user is enabled by it.',
  ],
  options: [
    tenantOption,
    { name: 'link', help: 'make a one-time token instead of asking for a new password' },
    { name: 'password-stdin', help: 'take the new password from standard input' },
    { name: 'make-admin', help: 'give them the role admin, too' },
    ...actOptions,
  ],
  examples: [
    'sekisho user reset --tenant main admin@localhost',
    'sekisho user reset --tenant main admin@localhost --make-admin --link',
  ],
  async run(call) {
    const email = operand(call, 0);
    const tenant = required(call, 'tenant');
    const link = given(call, 'link');
    if (link && given(call, 'password-stdin')) {
      throw new UsageError('--link and --password-stdin exclude each other');
    }
    const password = link ? null : await readPassword(`New password for ${email}`);
    const makeAdmin = given(call, 'make-admin');
    const { user, reset, revocation } = await withOperator(call, (operator) =>
      operator.resetUser({ tenant, email, password, makeAdmin }),
    );
    const made = reset === null ? null : resetOf(reset);
    print(
      wantsJson(call),
      { user: userOf(user), ...revocationJson(revocation), ...(made && { reset: made }) },
      [
        revokedLine(`${user.email} is logged out`, revocation),
        ...(made === null ? ['the new password works from now on'] : linkLines(made)),
      ],
    );
    return revocationExit(call, revocation);
  },
};

interface Named {
  readonly tenant: string;
  readonly user: string;
  readonly waitMs: number | null;
}

async function change(
  call: Call,
  make: (
    operator: OperatorCommands,
    who: Named,
  ) => Promise<{ readonly user: User; readonly revocation: Revocation | null }>,
  said: (user: User) => string,
  /** What of the answer is so afterwards. */
  after: { readonly status?: 'deleted' } = {},
): Promise<number> {
  const tenant = required(call, 'tenant');
  const who = { tenant, user: operand(call, 0), waitMs: waitMsOf(call) };
  const { user, revocation } = await withOperator(call, (operator) => make(operator, who));
  print(wantsJson(call), { user: { ...userOf(user), ...after }, ...revocationJson(revocation) }, [
    revocation === null ? said(user) : revokedLine(said(user), revocation),
  ]);
  return revocationExit(call, revocation);
}
