import { doctor } from './commands/doctor.ts';
import { migrate } from './commands/migrate.ts';
import { opsRestored } from './commands/ops.ts';
import { serve } from './commands/serve.ts';
import { tenantCreate, tenantList } from './commands/tenant.ts';
import { userReset } from './commands/user.ts';
import type { Group } from './help.ts';

/** Every command of this release. */
export const groups: readonly Group[] = [
  { name: 'serve', summary: 'run the server', commands: [serve] },
  { name: 'migrate', summary: "bring the record's schema up to date", commands: [migrate] },
  { name: 'tenant', summary: 'make and list tenants', commands: [tenantCreate, tenantList] },
  { name: 'user', summary: 'give somebody a new way in', commands: [userReset] },
  { name: 'ops', summary: 'what an operator declares', commands: [opsRestored] },
  { name: 'doctor', summary: 'how the node is, and who the members are', commands: [doctor] },
];
