import { AUDIT_ACTIONS } from '../../audit/actions.ts';
import { auditOf } from '../../http/objects/insight.ts';
import type { AuditFilter } from '../../record/contract.ts';
import {
  type Call,
  type Command,
  integer,
  type Option,
  oneOf,
  optional,
  wantsJson,
} from '../command.ts';
import { EXIT } from '../exit.ts';
import { reachOptions, withOperator } from '../operator.ts';
import { counted, print, table, timeOf } from '../output.ts';
import { everyPage } from '../paging.ts';
import { time } from '../time.ts';

/** Rows that are listed unless more are asked for. */
const USUAL = 50;
const MOST = 10_000;

/** How the others are seen. */
const MORE = `--limit shows up to ${MOST}, --from and --to other times, sekisho audit export all of them`;

/** Whose trail a command is about. */
export const ofTrail: readonly Option[] = [
  {
    name: 'tenant',
    value: 'SLUG',
    help: "slug or id, also of one that was deleted; default: the operators' own trail",
  },
];

export const filterOptions: readonly Option[] = [
  { name: 'actor', value: 'ID', help: 'rows of what this user or client did' },
  { name: 'action', value: 'ACTION', help: 'such as authn_login_fail' },
  { name: 'from', value: 'TIME', help: 'RFC 3339 or a date; rows of this time and later' },
  { name: 'to', value: 'TIME', help: 'rows before this time' },
];

export function filterOf(call: Call): AuditFilter {
  const actor = optional(call, 'actor');
  const action = oneOf(call, 'action', AUDIT_ACTIONS);
  const fromMs = time(call, 'from');
  const toMs = time(call, 'to');
  return {
    ...(actor === null ? {} : { actor }),
    ...(action === null ? {} : { action }),
    ...(fromMs === null ? {} : { fromMs }),
    ...(toMs === null ? {} : { toMs }),
  };
}

export const auditList: Command = {
  name: 'audit list',
  operands: [],
  summary: 'Shows rows of an audit trail, newest first.',
  options: [
    ...ofTrail,
    ...filterOptions,
    { name: 'limit', value: 'ROWS', help: `at most so many; default ${USUAL}` },
    ...reachOptions,
  ],
  examples: [
    'sekisho audit list --tenant main',
    'sekisho audit list --tenant main --action authn_login_fail --from 2030-01-31 --json',
  ],
  async run(call) {
    const filter = filterOf(call);
    const limit = integer(call, 'limit', 1, MOST) ?? USUAL;
    const tenant = optional(call, 'tenant');
    const listed = await withOperator(call, (operator) =>
      everyPage(
        (page) => operator.listAudit({ tenant, filter, page }),
        ({ atMs, id }) => ({ atMs, id }),
        limit + 1,
      ),
    );
    const more = listed.length > limit;
    const rows = listed.slice(0, limit);
    print(wantsJson(call), { events: rows.map(auditOf), more }, [
      ...table(
        ['AT', 'ACTION', 'OUTCOME', 'ACTOR', 'SUBJECT', 'IP', 'DETAIL'],
        rows.map(({ atMs, action, outcome, actor, subject, ip, detail }) => [
          ...[timeOf(atMs), action, outcome, actor.uid ?? actor.kind],
          subject === null ? '-' : `${subject.kind} ${subject.id}`,
          ip ?? '-',
          Object.entries(detail)
            .map(([name, value]) => `${name}=${value}`)
            .join(' '),
        ]),
        'no rows',
      ),
      ...(more ? [`more than ${counted(limit, 'row')}: ${MORE}`] : []),
    ]);
    return EXIT.done;
  },
};
