import { createOperatorClients } from './operator/clients.ts';
import type { Operator } from './operator/contract.ts';
import { createOperatorRecord } from './operator/record.ts';
import { createOperatorTenants } from './operator/tenants.ts';
import { createOperatorUsers } from './operator/users.ts';
import type { Services } from './services.ts';

/** What the operator at the machine does, across tenants. */
export function createOperator(services: Services): Operator {
  return Object.freeze({
    ...createOperatorTenants(services),
    ...createOperatorUsers(services),
    ...createOperatorClients(services),
    ...createOperatorRecord(services),
  });
}
