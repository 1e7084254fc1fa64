import type { Revocation } from '../../session/contract.ts';
import { revocationOf, revokedSchema } from '../objects/revocations.ts';
import type { Answer } from '../route.ts';

/** Both answers of a revoking call. */
export const REVOKED = { 200: revokedSchema, 202: revokedSchema } as const;

/** 200 when no node accepts what was revoked any more, 202 while that is not known of all of them. */
export function statusOf(revocation: Revocation | null): 200 | 202 {
  return revocation?.barrier.effective === 'pending' ? 202 : 200;
}

export function revoked(revocation: Revocation): Answer {
  return { status: statusOf(revocation), body: { revocation: revocationOf(revocation) } };
}

/** `revocation` as a member, where there is one. */
export function alsoRevoked(revocation: Revocation | null): { revocation?: object } {
  return revocation === null ? {} : { revocation: revocationOf(revocation) };
}
