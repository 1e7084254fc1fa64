import { isSekishoError, SekishoError } from '../errors.ts';
import type { CommitOutcome } from '../record/contract.ts';

/** The error that stands for an outcome in which nothing was written. */
export function outcomeError(
  outcome: Exclude<CommitOutcome, { kind: 'committed' | 'duplicate' }>,
): SekishoError {
  switch (outcome.kind) {
    case 'actor_revoked':
      return new SekishoError('session_revoked', 'Your session was revoked.');
    case 'actor_expired':
      return new SekishoError('session_expired', 'Your session has ended.');
    case 'role_lost':
      return new SekishoError('insufficient_role', 'Your role does not allow this any more.');
    case 'reset_unknown':
      return new SekishoError('invalid_token', 'The reset token is unknown, used or too old.');
    case 'last_administrator':
      return new SekishoError(
        'last_administrator',
        'The last administrator can be neither removed, disabled nor demoted.',
      );
    case 'not_found':
      return new SekishoError('not_found', 'There is no such object.');
    case 'email_taken':
      return new SekishoError('email_taken', 'Another user has this e-mail address.');
    case 'external_id_taken':
      return new SekishoError('external_id_taken', 'Another user has this external id.');
    case 'slug_taken':
      return new SekishoError('slug_taken', 'Another tenant has this slug.');
    case 'not_first':
      return new SekishoError('conflict', 'The record has a tenant already.');
    case 'precondition_failed':
      return new SekishoError('precondition_failed', 'The object has changed since it was read.');
    case 'too_many_policies':
      return new SekishoError(
        'conflict',
        'The time-outs of this tenant became longer too often in 40 days, and what ended under each of them stays ended. They can be made shorter, or be left as they are.',
      );
    case 'idempotency_key_reused':
      return new SekishoError(
        'idempotency_key_reused',
        'This Idempotency-Key was used with another request.',
      );
    case 'members_behind':
      return new SekishoError(
        'store_unavailable',
        'Nothing was done: a node of an older release is still a member. Try again when all are upgraded.',
        { retryAfterSeconds: 60 },
      );
    case 'abandoned':
    case 'identity_changed':
      return new SekishoError('store_unavailable', 'Nothing was done; try again.', {
        retryAfterSeconds: 1,
      });
  }
}

/** Whether another change came first: what was to be replaced is of another version by now. */
export function isRaced(error: unknown): boolean {
  return isSekishoError(error) && error.code === 'precondition_failed';
}
