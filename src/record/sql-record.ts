import { createAttemptStore } from './attempts.ts';
import { createAuditStore } from './audit.ts';
import { createCleanupStore } from './cleanup.ts';
import { createClientStore } from './clients.ts';
import type { RecordStore } from './contract.ts';
import type { Database } from './database.ts';
import { createKeyStore } from './keys.ts';
import { listLiveMembers } from './live-members.ts';
import { createLogStore } from './log-store.ts';
import { createMaintenanceStore } from './maintenance.ts';
import { createMemberStore } from './member-store.ts';
import { readSchemaState } from './migration-plan.ts';
import { migrate } from './migrator.ts';
import { createOperationsStore } from './operations.ts';
import { createSessionStore } from './sessions.ts';
import { createSweepStore } from './sweep.ts';
import { createTenantStore } from './tenants.ts';
import { createTrailStore } from './trail.ts';
import { createUserStore } from './users.ts';

/** The record on any database that speaks its SQL. `close` closes the database too. */
export function createSqlRecord(database: Database): RecordStore {
  return {
    kind: database.kind,
    log: createLogStore(database),
    members: createMemberStore(database),
    tenants: createTenantStore(database),
    users: createUserStore(database),
    sessions: createSessionStore(database),
    clients: createClientStore(database),
    attempts: createAttemptStore(database),
    audit: createAuditStore(database),
    trail: createTrailStore(database),
    keys: createKeyStore(database),
    maintenance: createMaintenanceStore(database),
    cleanup: createCleanupStore(database),
    operations: createOperationsStore(database),
    sweep: createSweepStore(database),
    ...(database.crashed === undefined ? {} : { crashed: database.crashed }),
    async migrate() {
      await migrate(database);
    },
    async schema() {
      const [state, members] = await Promise.all([
        readSchemaState(database),
        listLiveMembers(database),
      ]);
      return { state, members };
    },
    statementCount: () => database.statementCount(),
    close: async () => await database.close(),
  };
}
