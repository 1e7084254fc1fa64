import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { SekishoError } from '../errors.ts';
import type { Hub } from '../hub/contract.ts';
import { createInProcessHub } from '../hub/in-process/hub.ts';
import { createNoHub } from '../hub/none/hub.ts';
import { createCodec } from '../hub/postgres/codec.ts';
import { createNotifyHub } from '../hub/postgres/hub.ts';
import type { Log } from '../observe/log.ts';
import type { KeyRing } from '../token/secrets.ts';

export interface HubParts {
  readonly config: Pick<Config, 'record' | 'redisUrl' | 'hub'>;
  /** The record's own name for the deployment: channels and keys carry it. */
  readonly deployment: string;
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The hub that the settings ask for: in-process when embedded, Redis with a `redisUrl`, otherwise PostgreSQL's
 * LISTEN/NOTIFY. None of them needs to be there at the start: a hub makes things faster, and nothing rests on it.
 *
 * @throws SekishoError `invalid_configuration`
 */
export function openHub({ config, deployment, ring, clock, log }: HubParts): Hub {
  const { record, redisUrl } = config;
  if (config.hub === 'none') return createNoHub();
  if (record.kind !== 'postgres') return createInProcessHub().connect();
  if (redisUrl !== null) {
    throw new SekishoError('invalid_configuration', 'REDIS_URL: this release has no Redis hub.');
  }
  const codec = createCodec(ring, deployment);
  return createNotifyHub({ url: record.databaseUrl, deployment, codec, clock, log });
}
