import { type Clock, systemClock } from '../../src/clock.ts';
import { type OpenEngine, openEngine } from '../../src/create/open.ts';
import { type Log, silentLog } from '../../src/observe/log.ts';
import { openPostgresRecord } from '../../src/record/postgres/open.ts';
import type { Levels } from '../../src/session/log-levels.ts';
import { SECRET } from './engine.ts';

export interface ClusterNodeOptions {
  readonly databaseUrl: string;
  readonly redisUrl?: string | null;
  readonly hub?: 'auto' | 'none';
  readonly secret?: string;
  readonly issuer?: string | null;
  readonly audience?: string | null;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly levels?: Levels;
}

/** One node of a cluster, put together as in a process of its own: the real composition on a real database. */
export async function startClusterNode(options: ClusterNodeOptions): Promise<OpenEngine> {
  const { databaseUrl, redisUrl = null, hub = 'auto', secret = SECRET } = options;
  const { issuer = null, audience = null, clock = systemClock, log = silentLog } = options;
  return openEngine({
    record: await openPostgresRecord({ url: databaseUrl, max: 3 }),
    ...{ secret, clock, log, levels: options.levels ?? null, exclusive: false },
    config: {
      ...{ issuer, audience, firstIssuer: 'http://127.0.0.1:4000', address: null },
      ...{ leaseMs: undefined, toleranceMs: undefined, strict: false },
      ...{ record: { kind: 'postgres', databaseUrl }, redisUrl, hub },
    },
  });
}
