import { auditList } from './commands/audit.ts';
import { auditExport } from './commands/audit-export.ts';
import { auditCheckpoint, auditErase, auditPrune, auditRetention } from './commands/audit-keep.ts';
import { auditVerify } from './commands/audit-verify.ts';
import { backup } from './commands/backup.ts';
import { clientCreate, clientDelete, clientList, clientRotate } from './commands/client.ts';
import { doctor } from './commands/doctor.ts';
import { keysIssuer, keysList, keysRetire, keysRotate } from './commands/keys.ts';
import { migrate } from './commands/migrate.ts';
import { opsRestored } from './commands/ops.ts';
import { opsCleanupPause, opsCleanupResume, opsCleanupStatus } from './commands/ops-cleanup.ts';
import { opsLifetimes, opsLifetimesClear } from './commands/ops-lifetimes.ts';
import { opsLimits, opsLimitsClear } from './commands/ops-limits.ts';
import { opsLogLevel, opsLogLevelClear } from './commands/ops-log-level.ts';
import { opsRegenerate } from './commands/ops-regenerate.ts';
import { opsStatus } from './commands/ops-status.ts';
import { restore } from './commands/restore.ts';
import {
  revokeAll,
  revokeSession,
  revokeShow,
  revokeTenant,
  revokeUser,
} from './commands/revoke.ts';
import { serve } from './commands/serve.ts';
import { sessionList, sessionRevoke, sessionShow } from './commands/session.ts';
import { tenantCreate, tenantList, tenantShow } from './commands/tenant.ts';
import { tenantDelete, tenantResume, tenantSuspend } from './commands/tenant-life.ts';
import {
  tenantPolicyEndOverride,
  tenantPolicyGet,
  tenantPolicySet,
} from './commands/tenant-policy.ts';
import { userCreate, userList, userShow } from './commands/user.ts';
import {
  userDelete,
  userDisable,
  userEnable,
  userReset,
  userRoles,
} from './commands/user-changes.ts';
import type { Group } from './help.ts';

/** Every command of this release. */
export const groups: readonly Group[] = [
  { name: 'serve', summary: 'run the server', commands: [serve] },
  { name: 'migrate', summary: "bring the record's schema up to date", commands: [migrate] },
  {
    name: 'tenant',
    summary: 'make, list, suspend, resume and delete tenants; their policies',
    commands: [
      ...[tenantCreate, tenantList, tenantShow],
      ...[tenantSuspend, tenantResume, tenantDelete],
      ...[tenantPolicyGet, tenantPolicySet, tenantPolicyEndOverride],
    ],
  },
  {
    name: 'user',
    summary: 'users of a tenant: roles, status, a new way in',
    commands: [
      ...[userList, userShow, userCreate],
      ...[userDisable, userEnable, userRoles, userReset, userDelete],
    ],
  },
  {
    name: 'client',
    summary: 'make, list and delete service clients',
    commands: [clientCreate, clientList, clientRotate, clientDelete],
  },
  {
    name: 'session',
    summary: 'sessions of a tenant',
    commands: [sessionList, sessionShow, sessionRevoke],
  },
  {
    name: 'revoke',
    summary: 'end sessions everywhere: of a user, a tenant, or all',
    commands: [revokeUser, revokeSession, revokeTenant, revokeAll, revokeShow],
  },
  {
    name: 'audit',
    summary: 'list, export and verify the audit trail; how long it is kept',
    commands: [
      ...[auditList, auditExport, auditVerify, auditCheckpoint],
      ...[auditPrune, auditErase, auditRetention],
    ],
  },
  {
    name: 'keys',
    summary: 'signing keys of the tokens, and their issuer',
    commands: [keysList, keysRotate, keysRetire, keysIssuer],
  },
  {
    name: 'ops',
    summary: 'what an operator decides when there is trouble, for all tenants and nodes',
    commands: [
      opsStatus,
      ...[opsCleanupPause, opsCleanupResume, opsCleanupStatus],
      ...[opsLifetimes, opsLifetimesClear, opsLimits, opsLimitsClear],
      ...[opsRegenerate, opsLogLevel, opsLogLevelClear, opsRestored],
    ],
  },
  { name: 'doctor', summary: 'how the node is, and who the members are', commands: [doctor] },
  { name: 'backup', summary: 'write the record to a file, while it is served', commands: [backup] },
  { name: 'restore', summary: 'put a backup in the place of the record', commands: [restore] },
];
