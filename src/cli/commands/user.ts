import { resetOf, userOf } from '../../http/objects/people.ts';
import { type Command, given, many, operand, optional, required, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { sessionTable, userTable } from '../objects.ts';
import { actOptions, reachOptions, withOperator } from '../operator.ts';
import { print, timeOf } from '../output.ts';
import { everyPage } from '../paging.ts';
import { readPassword } from '../password.ts';
import { tenantOption } from '../revoking.ts';

export const userList: Command = {
  name: 'user list',
  operands: [],
  summary: 'Lists the users of a tenant, newest first.',
  options: [tenantOption, ...reachOptions],
  examples: ['sekisho user list --tenant skyline', 'sekisho user list --tenant skyline --json'],
  async run(call) {
    const tenant = required(call, 'tenant');
    const listed = await withOperator(call, (operator) =>
      everyPage(
        (page) => operator.listUsers({ tenant, page }),
        ({ createdAtMs, uid }) => ({ atMs: createdAtMs, id: uid }),
      ),
    );
    print(wantsJson(call), { users: listed.map(userOf) }, userTable(listed));
    return EXIT.done;
  },
};

export const userShow: Command = {
  name: 'user show',
  operands: ['USER'],
  summary: 'Shows a user, by e-mail address or id, with the sessions that are active.',
  options: [tenantOption, ...reachOptions],
  examples: ['sekisho user show --tenant skyline noor@skyline.example'],
  async run(call) {
    const who = { tenant: required(call, 'tenant'), user: operand(call, 0) };
    const { user, sessions } = await withOperator(call, async (operator) => ({
      user: await operator.getUser(who),
      sessions: await everyPage(
        (page) => operator.listSessions({ ...who, state: 'active', page }),
        ({ createdAtMs, sid }) => ({ atMs: createdAtMs, id: sid }),
      ),
    }));
    print(wantsJson(call), { user: userOf(user), active_sessions: sessions.length }, [
      `${user.email}  ${user.name}`.trimEnd(),
      `id          ${user.uid}`,
      ...(user.externalId === null ? [] : [`external    ${user.externalId}`]),
      `status      ${user.status}`,
      `roles       ${user.roles.join(', ')}`,
      `created     ${timeOf(user.createdAtMs)}`,
      `last login  ${timeOf(user.lastLoginAtMs)}`,
      ...sessionTable(sessions),
    ]);
    return EXIT.done;
  },
};

export const userCreate: Command = {
  name: 'user create',
  operands: ['E-MAIL'],
  summary: 'Makes a user with a password, or with a one-time link for choosing one.',
  description: [
    'The password is asked for, or read from the first line of standard input where that is no terminal.',
  ],
  options: [
    tenantOption,
    { name: 'name', value: 'NAME', help: 'what people read' },
    { name: 'role', value: 'ROLE', help: 'default member', repeats: true },
    { name: 'link', help: 'make a one-time token instead of asking for a password' },
    ...actOptions,
  ],
  examples: [
    'sekisho user create --tenant skyline yuki@skyline.example --link',
    'sekisho user create --tenant skyline yuki@skyline.example --role admin --role buyer < password.txt',
  ],
  async run(call) {
    const tenant = required(call, 'tenant');
    const email = operand(call, 0);
    const password = given(call, 'link') ? null : await readPassword(`Password for ${email}`);
    const roles = many(call, 'role');
    const { user, reset } = await withOperator(call, (operator) =>
      operator.createUser({
        ...{ tenant, email, password, name: optional(call, 'name') },
        roles: roles.length === 0 ? null : roles,
      }),
    );
    const link = reset === null ? null : resetOf(reset);
    print(wantsJson(call), { user: userOf(user), ...(link && { reset: link }) }, [
      `${user.email} is made, with ${user.roles.join(', ')}`,
      ...(link === null ? [] : linkLines(link)),
    ]);
    return EXIT.done;
  },
};

/** How a one-time token is used. */
export function linkLines(link: ReturnType<typeof resetOf>): readonly string[] {
  return [
    `one-time token, good until ${link.expires_at}: ${link.token}`,
    'set the password with POST /v1/password/reset {"token": …, "new_password": …}',
  ];
}
