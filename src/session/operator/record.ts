import { newId } from '../../id.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { memberStates } from '../nodes.ts';
import { revoke } from '../revoke.ts';
import type { Services } from '../services.ts';
import { floorOfAll } from '../subjects.ts';
import { ACTOR } from './actor.ts';
import type { OperatorRecord } from './contract.ts';

export function createOperatorRecord(services: Services): OperatorRecord {
  return {
    async declareRestored() {
      const { revocation } = await revoke(services, {
        actor: ACTOR,
        revoke: [floorOfAll()],
        change: null,
        reason: 'restored',
        audit: [auditRow(services, { tid: null, action: 'record_restored', actor: OPERATOR })],
        restored: newId(),
      });
      return revocation;
    },

    members: () => memberStates(services),
  };
}
