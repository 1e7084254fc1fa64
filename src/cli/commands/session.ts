import { sessionOf } from '../../http/objects/people.ts';
import type { SessionEnd, SessionSeen } from '../../session/operator/sessions-contract.ts';
import {
  type Command,
  integer,
  oneOf,
  operand,
  optional,
  required,
  wantsJson,
} from '../command.ts';
import { EXIT } from '../exit.ts';
import { sessionTable } from '../objects.ts';
import { reachOptions, withOperator } from '../operator.ts';
import { counted, isoOf, print, timeOf } from '../output.ts';
import { everyPage } from '../paging.ts';
import { tenantOption } from '../revoking.ts';
import { revokeSession } from './revoke.ts';

const STATES = ['active', 'expired', 'revoked', 'all'] as const;

export const sessionList: Command = {
  name: 'session list',
  operands: [],
  summary: 'Lists sessions of a tenant or of one user, newest first.',
  options: [
    tenantOption,
    { name: 'user', value: 'USER', help: 'of this user only, by e-mail address or id' },
    { name: 'state', value: 'STATE', help: `${STATES.join(', ')}; default active` },
    { name: 'limit', value: 'N', help: 'at most so many; default 1000' },
    ...reachOptions,
  ],
  examples: [
    'sekisho session list --tenant skyline --user noor@skyline.example',
    'sekisho session list --tenant skyline --state all --limit 20 --json',
  ],
  async run(call) {
    const tenant = required(call, 'tenant');
    const user = optional(call, 'user');
    const state = oneOf(call, 'state', STATES) ?? 'active';
    const limit = integer(call, 'limit', 1, 1_000_000) ?? 1000;
    const listed = await withOperator(call, (operator) =>
      everyPage(
        (page) => operator.listSessions({ tenant, user, state, page }),
        ({ createdAtMs, sid }) => ({ atMs: createdAtMs, id: sid }),
        limit + 1,
      ),
    );
    const more = listed.length > limit;
    const sessions = listed.slice(0, limit);
    print(wantsJson(call), { sessions: sessions.map(sessionJson), more }, [
      ...sessionTable(sessions),
      ...(more ? [`more than ${counted(limit, 'session')}: --limit shows more of them`] : []),
    ]);
    return EXIT.done;
  },
};

export const sessionShow: Command = {
  name: 'session show',
  operands: ['SESSION'],
  summary: 'Shows a session, by its id.',
  options: [tenantOption, ...reachOptions],
  examples: ['sekisho session show --tenant skyline hQ2mZ7xW0rTn5bJ8cK1vYA'],
  async run(call) {
    const row = await withOperator(call, (operator) =>
      operator.getSession({ tenant: required(call, 'tenant'), session: operand(call, 0) }),
    );
    const { end } = row;
    const json = { ...sessionJson(row), ...(end === null ? {} : { end: endJson(end) }) };
    print(wantsJson(call), { session: json }, [
      row.sid,
      `state      ${row.state}`,
      `user       ${row.email ?? '-'}  ${row.uid}`,
      `device     ${row.deviceName ?? '-'}`,
      `address    ${row.ip ?? '-'}`,
      `begun      ${timeOf(row.createdAtMs)}`,
      `last seen  ${timeOf(row.lastSeenAtMs)}`,
      ...(row.state === 'revoked'
        ? [`ended      ${end === null ? 'when is not known' : endWords(end)}`]
        : [`${row.state === 'active' ? 'ends       ' : 'ended      '}${timeOf(row.expiresAtMs)}`]),
    ]);
    return EXIT.done;
  },
};

export const sessionRevoke: Command = {
  name: 'session revoke',
  operands: revokeSession.operands,
  summary: 'Ends a session, by its id; the same as revoke session.',
  options: revokeSession.options,
  examples: [
    'sekisho session revoke --tenant skyline hQ2mZ7xW0rTn5bJ8cK1vYA --reason "laptop lost"',
  ],
  run: revokeSession.run,
};

function endJson({ atMs, scope, reason, action, by }: SessionEnd): object {
  return { at: isoOf(atMs), scope, reason, action, by };
}

/** `2030-01-31T12:00:00Z, with every session of the user: session_revoked by operator noor, laptop lost` */
function endWords({ atMs, scope, reason, action, by }: SessionEnd): string {
  const along: Readonly<Record<string, string>> = {
    user: ', with the user’s other sessions',
    tenant: ', with every session of the tenant',
    all: ', with every session of every tenant',
  };
  const who =
    by === null ? '' : ` by ${[by.kind, by.name].filter((one) => one !== null).join(' ')}`;
  const why = reason === null ? '' : `, ${reason}`;
  return `${timeOf(atMs)}${along[scope] ?? ''}: ${action ?? 'revoked'}${who}${why}`;
}

function sessionJson(row: SessionSeen): object {
  return { ...sessionOf(row), user_email: row.email, state: row.state };
}
