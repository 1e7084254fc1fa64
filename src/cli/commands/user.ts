import { type Command, operand, required, UsageError } from '../command.ts';
import { reachOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';
import { readPassword } from '../password.ts';

export const userReset: Command = {
  name: 'user reset',
  operands: ['E-MAIL'],
  summary: 'Gives somebody a new way in: the old password is dead, all their sessions are revoked.',
  options: [
    { name: 'tenant', value: 'SLUG', help: 'their tenant; required' },
    { name: 'link', help: 'make a one-time token instead of asking for a new password' },
    { name: 'password-stdin', help: 'take the new password from standard input' },
    { name: 'make-admin', help: 'give them the role admin, too' },
    ...reachOptions,
  ],
  examples: [
    'sekisho user reset --tenant main admin@localhost',
    'sekisho user reset --tenant main admin@localhost --make-admin --link',
  ],
  async run(call) {
    const { link, json } = call.options;
    const email = operand(call, 0);
    const tenant = required(call, 'tenant');
    if (link === true && call.options['password-stdin'] === true) {
      throw new UsageError('--link and --password-stdin exclude each other');
    }
    const password = link === true ? null : await readPassword(`New password for ${email}`);
    const makeAdmin = call.options['make-admin'] === true;
    const done = await withOperator(call, (operator) =>
      operator.resetUser({ tenant, email, password, makeAdmin }),
    );
    const { user, reset } = done;
    const { effective } = done.revocation.barrier;
    const expiresAt = reset === null ? null : new Date(reset.expiresAtMs).toISOString();
    print(
      json === true,
      {
        user: { id: user.uid, email: user.email, roles: user.roles, status: user.status },
        revocation: { id: done.revocation.id, effective },
        ...(reset === null ? {} : { reset: { token: reset.token, expires_at: expiresAt } }),
      },
      [
        `${user.email} is logged out ${effective === 'everywhere' ? 'everywhere' : '(pending on some nodes)'}`,
        ...(reset === null
          ? ['the new password works from now on']
          : [
              `one-time token, good until ${expiresAt}: ${reset.token}`,
              'set the password with POST /v1/password/reset {"token": …, "new_password": …}',
            ]),
      ],
    );
    return 0;
  },
};
