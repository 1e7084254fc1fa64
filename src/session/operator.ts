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
import { nameOf } from './operator/told.ts';
import { createOperatorUsers } from './operator/users.ts';
import type { Services } from './services.ts';

/**
 * What the operator at the machine does, across tenants.
 *
 * @param by who it is, for the audit trail; null: nobody said.
 */
export function createOperator(all: Services, by: string | null = null): Operator {
  const services = by === null ? all : Object.freeze({ ...all, operatorName: nameOf(by) });
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
