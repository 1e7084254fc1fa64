import { type Clock, systemClock } from '../../src/clock.ts';
import type { Hub } from '../../src/hub/contract.ts';
import { createHubCodec } from '../../src/hub/message.ts';
import { createNotifyHub } from '../../src/hub/postgres/hub.ts';
import { newId } from '../../src/id.ts';
import { type Log, silentLog } from '../../src/observe/log.ts';
import { createKeyRing } from '../../src/token/secrets.ts';

/** Of all hubs here, unless another one is named. */
export const SECRET = 'a secret of the tests that is long enough';

export interface NotifyHubs {
  readonly deployment: string;
  connect(): Hub;
}

/**
 * Hubs over NOTIFY that hear each other and nobody else: a deployment of their own in the database at `url`, unless one is
 * named.
 */
export function notifyHubs(
  url: string,
  log: Log = silentLog,
  {
    deployment = newId(),
    secret = SECRET,
    clock = systemClock,
  }: { deployment?: string; secret?: string; clock?: Clock } = {},
): NotifyHubs {
  const ring = createKeyRing(secret);
  return {
    deployment,
    connect: () =>
      createNotifyHub({
        ...{ url, deploymentId: deployment, clock, log },
        codec: createHubCodec(ring, deployment),
      }),
  };
}
