import type { Command } from './command.ts';
import type { Group } from './help.ts';

/** A group whose commands are not loaded yet. */
export interface ListedGroup extends Pick<Group, 'name' | 'summary'> {
  /** Its commands, in the order of its help. */
  load(): Promise<readonly Command[]>;
}

/** Every command of this release. One command line needs one group at most, and loads no other. */
export const groups: readonly ListedGroup[] = [
  {
    name: 'serve',
    summary: 'run the server',
    load: async () => [(await import('./commands/serve.ts')).serve],
  },
  {
    name: 'migrate',
    summary: "bring the record's schema up to date",
    load: async () => [(await import('./commands/migrate.ts')).migrate],
  },
  {
    name: 'tenant',
    summary: 'make, list, suspend, resume and delete tenants; their policies',
    async load() {
      const tenants = await import('./commands/tenant.ts');
      const life = await import('./commands/tenant-life.ts');
      const policy = await import('./commands/tenant-policy.ts');
      return [
        ...[tenants.tenantCreate, tenants.tenantList, tenants.tenantShow],
        ...[life.tenantSuspend, life.tenantResume, life.tenantDelete],
        ...[policy.tenantPolicyGet, policy.tenantPolicySet, policy.tenantPolicyEndOverride],
      ];
    },
  },
  {
    name: 'user',
    summary: 'users of a tenant: roles, status, a new way in',
    async load() {
      const users = await import('./commands/user.ts');
      const changes = await import('./commands/user-changes.ts');
      return [
        ...[users.userList, users.userShow, users.userCreate],
        ...[changes.userDisable, changes.userEnable, changes.userRoles],
        ...[changes.userReset, changes.userDelete],
      ];
    },
  },
  {
    name: 'client',
    summary: 'make, list and delete service clients',
    async load() {
      const clients = await import('./commands/client.ts');
      const { clientCreate, clientList, clientRotate, clientDelete } = clients;
      return [clientCreate, clientList, clientRotate, clientDelete];
    },
  },
  {
    name: 'session',
    summary: 'sessions of a tenant',
    async load() {
      const { sessionList, sessionShow, sessionRevoke } = await import('./commands/session.ts');
      return [sessionList, sessionShow, sessionRevoke];
    },
  },
  {
    name: 'revoke',
    summary: 'end sessions everywhere: of a user, a tenant, or all',
    async load() {
      const revoking = await import('./commands/revoke.ts');
      const { revokeUser, revokeSession, revokeTenant, revokeAll, revokeShow } = revoking;
      return [revokeUser, revokeSession, revokeTenant, revokeAll, revokeShow];
    },
  },
  {
    name: 'audit',
    summary: 'list, export and verify the audit trail; how long it is kept',
    async load() {
      const { auditList } = await import('./commands/audit.ts');
      const { auditExport } = await import('./commands/audit-export.ts');
      const { auditVerify } = await import('./commands/audit-verify.ts');
      const keeping = await import('./commands/audit-keep.ts');
      const { auditCheckpoint, auditPrune, auditErase, auditRetention } = keeping;
      const { auditAccept, auditRotateKey } = await import('./commands/audit-trust.ts');
      return [
        ...[auditList, auditExport, auditVerify, auditCheckpoint],
        ...[auditPrune, auditErase, auditRetention, auditAccept, auditRotateKey],
      ];
    },
  },
  {
    name: 'keys',
    summary: 'signing keys of the tokens, and their issuer',
    async load() {
      const keys = await import('./commands/keys.ts');
      return [keys.keysList, keys.keysRotate, keys.keysRetire, keys.keysIssuer];
    },
  },
  {
    name: 'ops',
    summary: 'what an operator decides when there is trouble, for all tenants and nodes',
    async load() {
      const { opsStatus } = await import('./commands/ops-status.ts');
      const cleanup = await import('./commands/ops-cleanup.ts');
      const { opsLifetimes, opsLifetimesClear } = await import('./commands/ops-lifetimes.ts');
      const { opsLimits, opsLimitsClear } = await import('./commands/ops-limits.ts');
      const { opsRegenerate } = await import('./commands/ops-regenerate.ts');
      const { opsLogLevel, opsLogLevelClear } = await import('./commands/ops-log-level.ts');
      const { opsRestored } = await import('./commands/ops.ts');
      return [
        opsStatus,
        ...[cleanup.opsCleanupPause, cleanup.opsCleanupResume, cleanup.opsCleanupStatus],
        ...[opsLifetimes, opsLifetimesClear, opsLimits, opsLimitsClear],
        ...[opsRegenerate, opsLogLevel, opsLogLevelClear, opsRestored],
      ];
    },
  },
  {
    name: 'doctor',
    summary: 'how the node is, and who the members are',
    load: async () => [(await import('./commands/doctor.ts')).doctor],
  },
  {
    name: 'backup',
    summary: 'write the record to a file, while it is served',
    load: async () => [(await import('./commands/backup.ts')).backup],
  },
  {
    name: 'restore',
    summary: 'put a backup in the place of the record',
    load: async () => [(await import('./commands/restore.ts')).restore],
  },
];

/** The same with its commands. */
export async function loadGroup({ name, summary, load }: ListedGroup): Promise<Group> {
  return { name, summary, commands: await load() };
}

/** All of them, for whoever describes every command. */
export async function loadGroups(): Promise<readonly Group[]> {
  return await Promise.all(groups.map(loadGroup));
}
