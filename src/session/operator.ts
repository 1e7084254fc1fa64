import { createOperatorAudit } from './operator/audit.ts';
import { createOperatorBackups } from './operator/backups.ts';
import { createOperatorClients } from './operator/clients.ts';
import type { Operator } from './operator/contract.ts';
import { createOperatorKeys } from './operator/keys.ts';
import { createOperatorOperations } from './operator/operations.ts';
import { createOperatorPolicies } from './operator/policies.ts';
import { createOperatorRecord } from './operator/record.ts';
import { createOperatorSessions } from './operator/sessions.ts';
import { createOperatorTenants } from './operator/tenants.ts';
import { createOperatorUsers } from './operator/users.ts';
import type { Services } from './services.ts';

/** What the operator at the machine does, across tenants. */
export function createOperator(services: Services): Operator {
  return Object.freeze({
    ...createOperatorTenants(services),
    ...createOperatorPolicies(services),
    ...createOperatorUsers(services),
    ...createOperatorSessions(services),
    ...createOperatorKeys(services),
    ...createOperatorClients(services),
    ...createOperatorBackups(services),
    ...createOperatorRecord(services),
    ...createOperatorAudit(services),
    ...createOperatorOperations(services),
  });
}
