import { statsOf } from '../../http/objects/insight.ts';
import { type Command, operand, optional, required, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { tenantJson, tenantTable } from '../objects.ts';
import { actOptions, reachOptions, withOperator } from '../operator.ts';
import { print, timeOf } from '../output.ts';
import { everyPage } from '../paging.ts';
import { readPassword } from '../password.ts';

export const tenantCreate: Command = {
  name: 'tenant create',
  operands: ['SLUG'],
  summary: 'Makes a tenant and its first administrator.',
  description: [
    'The password is asked for, or read from the first line of standard input where that is no terminal. It never stands on the command line, which other users of the machine can see.',
  ],
  options: [
    { name: 'admin-email', value: 'E-MAIL', help: 'the administrator; required' },
    { name: 'name', value: 'NAME', help: 'what people read; default: the slug' },
    ...actOptions,
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
      wantsJson(call),
      {
        tenant: { id: tenant.tid, slug: tenant.slug, name: tenant.name },
        admin: { id: admin.uid, email: admin.email, roles: admin.roles },
      },
      [`tenant ${tenant.slug} is made; ${admin.email} is its administrator`],
    );
    return EXIT.done;
  },
};

export const tenantList: Command = {
  name: 'tenant list',
  operands: [],
  summary: 'Lists the tenants, newest first.',
  options: reachOptions,
  examples: ['sekisho tenant list', 'sekisho tenant list --json'],
  async run(call) {
    const listed = await withOperator(call, (operator) =>
      everyPage(
        (page) => operator.listTenants(page),
        ({ createdAtMs, tid }) => ({ atMs: createdAtMs, id: tid }),
      ),
    );
    print(wantsJson(call), { tenants: listed.map(tenantJson) }, tenantTable(listed));
    return EXIT.done;
  },
};

export const tenantShow: Command = {
  name: 'tenant show',
  operands: ['SLUG'],
  summary: 'Shows a tenant with its figures.',
  options: reachOptions,
  examples: ['sekisho tenant show skyline', 'sekisho tenant show skyline --json'],
  async run(call) {
    const { tenant, stats } = await withOperator(call, (operator) =>
      operator.getTenant({ tenant: operand(call, 0) }),
    );
    print(wantsJson(call), { tenant: tenantJson(tenant), stats: statsOf(stats) }, [
      `${tenant.slug}  ${tenant.name}`,
      `id        ${tenant.tid}`,
      `status    ${tenant.status}`,
      `created   ${timeOf(tenant.createdAtMs)}`,
      `users     ${stats.users}, ${stats.activeUsers} active`,
      `sessions  ${stats.activeSessions} active`,
      `24 hours  ${stats.logins24h} logins, ${stats.failedLogins24h} failed, ${stats.revocations24h} revocations`,
    ]);
    return EXIT.done;
  },
};
