import { newId } from '../../id.ts';
import { makeRestoredKeys } from '../../token/restored-keys.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { memberStates } from '../nodes.ts';
import { revoke } from '../revoke.ts';
import type { Services } from '../services.ts';
import { floorOfAll } from '../subjects.ts';
import { ACTOR } from './actor.ts';
import type { OperatorRecord } from './contract.ts';
import { waitOf } from './revoking.ts';

export function createOperatorRecord(services: Services): OperatorRecord {
  return {
    async declareRestored(input) {
      const { record, follower, keys, ring, log } = services;
      const waitMs = waitOf(input?.waitMs ?? null);
      const { pause } = await record.operations.state(follower.wallNowMs());
      const restoredKeys = await makeRestoredKeys(ring, follower.wallNowMs());
      const { kid, alg } = restoredKeys.key;
      const by = { tid: null, actor: OPERATOR };
      const { revocation } = await revoke(services, {
        actor: ACTOR,
        revoke: [floorOfAll()],
        change: null,
        reason: 'restored',
        audit: [
          auditRow(services, {
            ...{ ...by, action: 'record_restored' },
            detail: pause === null ? {} : { cleanup_resumed: true },
          }),
          auditRow(services, {
            ...{ ...by, action: 'signing_key_made', detail: { alg } },
            subject: { kind: 'signing_key', id: kid },
          }),
        ],
        restored: newId(),
        restoredKeys,
        waitMs,
      });
      services.operations.announce();
      // It is declared: where this fails, the next token or the next look does it.
      await keys.refresh().catch((error: unknown) => {
        log.warn({ err: error }, 'signing keys could not be looked up after a restore');
      });
      return revocation;
    },

    members: () => memberStates(services),
  };
}
