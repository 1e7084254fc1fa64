import type { Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import type { TrailStore } from '../record/trail-contract.ts';
import type { KeyRing } from '../token/secrets.ts';
import { createKeeper, type Keeper, type KeeperParts, type KeeperStatus } from './keeping.ts';
import { createSealer, type Sealer, type SealerStatus } from './sealer.ts';
import { createTrailSigning, type TrailSigning } from './signing.ts';

export interface TrailStatus {
  readonly sealer: SealerStatus;
  readonly keeper: KeeperStatus;
}

/** The sealed trail at work (docs/audit.md): who seals, who signs, who keeps it short. */
export interface Trail {
  readonly sealer: Sealer;
  readonly keeper: Keeper;
  readonly signing: TrailSigning;
  /** For whoever prunes or erases on demand: waits a little between batches, and is held up by no pause. */
  readonly parts: KeeperParts;
  status(): TrailStatus;
  close(): Promise<void>;
}

export interface TrailOptions {
  readonly store: TrailStore;
  readonly ring: KeyRing;
  readonly issuer: () => string;
  readonly memberId: () => string;
  /** Of retention; sealing goes on (docs/decisions/0024). */
  readonly pause: { ask(): Promise<boolean> };
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly log: Log;
}

const BETWEEN_BATCHES_MS = 10;

/** @example createTrail({ store: record.trail, ring, issuer, memberId, pause, clock, wallNowMs, log }) */
export function createTrail(options: TrailOptions): Trail {
  const { store, issuer, clock, wallNowMs } = options;
  const signing = createTrailSigning(options);
  const sealer = createSealer({ ...options, signing });
  const isTurn = (): boolean => sealer.status().state === 'sealing';
  const keeper = createKeeper({ ...options, signing, isTurn });
  let closed = false;
  const mayGoOn = async (): Promise<boolean> => {
    await new Promise<void>((resolve) => {
      clock.after(BETWEEN_BATCHES_MS, resolve);
    });
    return !closed;
  };
  return Object.freeze({
    sealer,
    keeper,
    signing,
    parts: { store, signing, issuer, wallNowMs, mayGoOn },
    status: () => ({ sealer: sealer.status(), keeper: keeper.status() }),
    async close() {
      closed = true;
      await keeper.close();
      await sealer.close();
    },
  });
}
