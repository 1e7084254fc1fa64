import type { RestoredKeys } from '../record/contract.ts';
import { RETIRED_KEY_MS } from './key-set.ts';
import type { KeyRing } from './secrets.ts';
import { makeSigningKey } from './signing-key.ts';

/** Twice what two clocks may differ by, so that whoever reads the times agrees about what they say. */
const CLOCKS_MS = 60_000;

/**
 * What a restore does to the signing keys (RESTORE): one that was withdrawn after the backup, because somebody else has it,
 * would be back. So tokens of all that are in the record are good for nothing any more, and a key signs that nobody had.
 *
 * The record puts both times earlier where its own clock says that they have not come (sekisho.begin_restored).
 *
 * @param nowMs wall milliseconds of whoever declares the restore.
 * @param takenAtMs when the backup was made, if that is known: where this clock is ahead and is set right later, the keys of
 *   the backup must not be good until then.
 */
export async function makeRestoredKeys(
  ring: KeyRing,
  nowMs: number,
  takenAtMs: number = nowMs,
): Promise<RestoredKeys> {
  const beganMs = Math.floor(nowMs) - CLOCKS_MS;
  const knownMs = Math.min(beganMs, Math.floor(takenAtMs));
  return { withdrawnAtMs: knownMs - RETIRED_KEY_MS, key: await makeSigningKey(ring, beganMs) };
}
