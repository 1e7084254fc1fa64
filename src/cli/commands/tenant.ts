import type { Page } from '../../record/contract.ts';
import { type Command, operand, optional, required } from '../command.ts';
import { type OperatorCommands, reachOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';
import { readPassword } from '../password.ts';

/** Tenants that are asked for at once. */
const PAGE = 200;

export const tenantCreate: Command = {
  name: 'tenant create',
  operands: ['SLUG'],
  summary: 'Makes a tenant and its first administrator.',
  options: [
    { name: 'admin-email', value: 'E-MAIL', help: 'the administrator; required' },
    { name: 'name', value: 'NAME', help: 'what people read; default: the slug' },
    ...reachOptions,
  ],
  examples: [
    'sekisho tenant create skyline --admin-email noor@skyline.example',
    'sekisho tenant create skyline --admin-email noor@skyline.example --json < password.txt',
  ],
  async run(call) {
    const slug = operand(call, 0);
    const adminEmail = required(call, 'admin-email');
    const adminPassword = await readPassword(`Password for ${adminEmail}`);
    const name = optional(call, 'name');
    const made = await withOperator(
      call,
      (operator) => operator.createTenant({ slug, name, adminEmail, adminPassword }),
      { mayMake: true },
    );
    const { tenant, admin } = made;
    print(
      call.options.json === true,
      {
        tenant: { id: tenant.tid, slug: tenant.slug, name: tenant.name },
        admin: { id: admin.uid, email: admin.email, roles: admin.roles },
      },
      [`tenant ${tenant.slug} is made; ${admin.email} is its administrator`],
    );
    return 0;
  },
};

export const tenantList: Command = {
  name: 'tenant list',
  operands: [],
  summary: 'Lists the tenants.',
  options: reachOptions,
  examples: ['sekisho tenant list --json'],
  async run(call) {
    const listed = await withOperator(call, listAll);
    const width = Math.max(0, ...listed.map(({ slug }) => slug.length));
    print(
      call.options.json === true,
      { tenants: listed },
      listed.map(({ slug, name }) => `${slug.padEnd(width)}  ${name}`),
    );
    return 0;
  },
};

async function listAll(
  operator: OperatorCommands,
): Promise<{ id: string; slug: string; name: string }[]> {
  const listed: { id: string; slug: string; name: string }[] = [];
  let cursor: Page['cursor'] = null;
  do {
    const page: Awaited<ReturnType<OperatorCommands['listTenants']>> = await operator.listTenants({
      limit: PAGE,
      cursor,
    });
    for (const { tid, slug, name } of page) listed.push({ id: tid, slug, name });
    const last = page.at(-1);
    cursor = last && page.length === PAGE ? { atMs: last.createdAtMs, id: last.tid } : null;
  } while (cursor !== null);
  return listed;
}
