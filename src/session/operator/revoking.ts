import { SekishoError } from '../../errors.ts';
import { DEFAULT_WAIT_MS } from '../revoke.ts';
import type { Revoking } from './contract.ts';

/** As over HTTP. */
const MAX_WAIT_MS = 30_000;
const MAX_REASON = 500;

/**
 * Why it was revoked, and how long to wait, for `revoke`.
 *
 * @throws SekishoError `validation_failed`
 */
export function waiting(
  { reason, waitMs }: Revoking,
  otherwise: string | null = null,
): { readonly reason: string | null; readonly waitMs: number } {
  if (reason !== null && reason.length > MAX_REASON) {
    throw wrong('/reason', `must be at most ${MAX_REASON} characters`);
  }
  return { reason: reason ?? otherwise, waitMs: waitOf(waitMs) };
}

/** How long a revoking verb waits, milliseconds. @throws SekishoError `validation_failed` */
export function waitOf(waitMs: number | null): number {
  const wait = waitMs ?? DEFAULT_WAIT_MS;
  if (Number.isInteger(wait) && wait >= 0 && wait <= MAX_WAIT_MS) return wait;
  throw wrong('/wait_ms', `must be a whole number, 0 to ${MAX_WAIT_MS}`);
}

function wrong(pointer: string, detail: string): SekishoError {
  return new SekishoError('validation_failed', `${pointer.slice(1)} ${detail}.`, {
    errors: [{ pointer, detail }],
  });
}
