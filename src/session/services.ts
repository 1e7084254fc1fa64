import type { Tally } from '../audit/tally.ts';
import type { Trail } from '../audit/trail.ts';
import type { Clock } from '../clock.ts';
import type { Hub } from '../hub/contract.ts';
import type { PasswordHasher } from '../login/password.ts';
import type { Log } from '../observe/log.ts';
import type { CommitOutcome, CommitRequest, RecordStore } from '../record/contract.ts';
import type { Follower } from '../revocation/contract.ts';
import type { KeyRing } from '../token/secrets.ts';
import type { Activity } from './activity.ts';
import type { Backups } from './backups.ts';
import type { ClientCache } from './client-cache.ts';
import type { Issuer } from './issuer.ts';
import type { Keys } from './keys.ts';
import type { MaintenanceRunner } from './maintenance.ts';
import type { Operations } from './operations.ts';
import type { Sightings } from './sightings.ts';
import type { Revocation } from './types.ts';

/** What the use cases work with; the composition root puts it together. */
export interface Services {
  readonly record: RecordStore;
  readonly follower: Follower;
  readonly committer: { commit(request: CommitRequest): Promise<CommitOutcome> };
  readonly hub: Hub;
  readonly clock: Clock;
  readonly log: Log;
  readonly tally: Tally;
  readonly trail: Trail;
  readonly activity: Activity;
  readonly sightings: Sightings;
  readonly maintenance: MaintenanceRunner;
  readonly clientCache: ClientCache;
  /** Null where there is nothing that could be backed up. */
  readonly backups: Backups | null;
  readonly operations: Operations;
  readonly keys: Keys;
  readonly ring: KeyRing;
  readonly passwords: PasswordHasher;
  readonly issuer: Issuer;
  readonly audience: string;
  /** Who the operator is, in their own words, where one acts (`createOperator`): it stands in every row of what they do. */
  readonly operatorName?: string;
  /** Hears of every revocation of this node, once its call has waited for it; for figures. */
  readonly onRevocation: (revocation: Revocation) => void;
}

/** Wall time (WALL TIME) in whole milliseconds, as the record takes it. */
export function nowMs(services: Pick<Services, 'follower'>): number {
  return Math.floor(services.follower.wallNowMs());
}
