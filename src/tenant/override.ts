import { SekishoError } from '../errors.ts';

/** The longest that anything may hold for a while: 30 days. Whoever means longer means for good. */
export const MAX_OVERRIDE_MS = 30 * 86_400_000;

/**
 * When something that holds for a while ends, in whole milliseconds.
 *
 * @throws SekishoError `validation_failed` unless it lies ahead, by 30 days at most.
 */
export function parseOverrideEnd(
  untilMs: number,
  nowMs: number,
  pointer = '/override_until',
): number {
  const end = Math.floor(untilMs);
  if (end > nowMs && end <= nowMs + MAX_OVERRIDE_MS) return end;
  const detail = 'must be a time ahead, by 30 days at most';
  throw new SekishoError('validation_failed', `The end ${detail}.`, {
    errors: [{ pointer, detail }],
  });
}
