import { cleanText } from '../../audit/event.ts';
import type { AuditAction, NewAuditEvent } from '../../audit/types.ts';
import { sleep } from '../../clock.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { nowMs, type Services } from '../services.ts';
import type { Told } from './operations-contract.ts';

/** How long a command waits for every node to have taken in what it decided, and how often it looks. */
const TOLD_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 150;
const MAX_NAME = 100;

/** Tells the nodes that something was decided, and waits until each has said in the record that it has taken it in. */
export async function tellNodes(services: Services): Promise<Told> {
  const { record, operations, clock } = services;
  operations.announce();
  const { version } = await operations.look();
  const endMs = clock.monotonicMs() + TOLD_WITHIN_MS;
  for (;;) {
    const members = await record.members.list();
    const { seen } = await record.operations.state(nowMs(services));
    const waitingFor = members
      .map(({ id }) => id)
      .filter((id) => (seen[id]?.version ?? -1) < version);
    if (waitingFor.length === 0 || clock.monotonicMs() >= endMs) {
      const effective = waitingFor.length === 0 ? 'everywhere' : 'pending';
      return { effective, members: members.length, waitingFor };
    }
    await sleep(clock, LOOK_EVERY_MS);
  }
}

/** An audit row of what an operator decided, under the tenant that it concerns, or the operators' own. */
export function decisionRow(
  services: Services,
  action: AuditAction,
  by: string,
  detail: NewAuditEvent['detail'] = {},
  tid: string | null = null,
): NewAuditEvent {
  return auditRow(services, {
    ...{ tid, action, actor: OPERATOR, detail: { by, ...detail } },
    ...(tid === null ? {} : { subject: { kind: 'tenant', id: tid } }),
  });
}

/** Who it was, in the operator's own words. */
export function nameOf(by: string): string {
  return cleanText(by).trim().slice(0, MAX_NAME) || 'operator';
}
