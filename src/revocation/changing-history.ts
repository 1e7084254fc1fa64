import { SekishoError } from '../errors.ts';

/** GENERATION, LINEAGE: `HISTORY_REPEATS` were made, and each met yet another history. */
export function historyKeepsChanging(): SekishoError {
  return new SekishoError('store_unavailable', 'The history of the record keeps changing.', {
    retryAfterSeconds: 1,
  });
}
