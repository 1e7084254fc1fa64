/** Whether a revocation ends a session: by its subject, and by what is certain about their order. */

/** @typedef {import('./history.mjs').RevocationFact} RevocationFact */
/** @typedef {import('./history.mjs').SessionFact} SessionFact */

/**
 * `maybe` is the answer wherever the history cannot tell; nothing is then concluded from it.
 *
 * A session that was there before the call began is ended by it, one whose login began after the call had returned is not.
 * In between the epoch decides (a floor ends what is older than it), as long as both numbers are of one generation.
 *
 * @param {RevocationFact} revocation
 * @param {SessionFact} session
 * @param {boolean} oneGeneration whether the whole history has a single one
 * @returns {'yes' | 'no' | 'maybe'}
 */
export function covers(revocation, session, oneGeneration) {
  if (revocation.outcome === 'refused' || !isSubject(revocation, session)) return 'no';
  // Unknown, it may even happen after the call: to sessions that are not there yet.
  if (revocation.outcome === 'unknown' || revocation.outcome === 'open') return 'maybe';
  if (revocation.scope === 'session') return 'yes';
  if (session.endMs <= revocation.beginMs) return 'yes';
  // An answer that came later is the first to say that it happened at all; then the call's own end says nothing.
  const doneMs = revocation.firstOutcome === 'unknown' ? null : revocation.endMs;
  if (doneMs !== null && session.beginMs >= doneMs) return 'no';
  if (!oneGeneration || revocation.position === null) return 'maybe';
  return session.epoch < revocation.position ? 'yes' : 'no';
}

/** @param {RevocationFact} revocation @param {SessionFact} session */
function isSubject({ scope, tid, uid, sid, sparedSid }, session) {
  if (session.sid === sparedSid) return false;
  if (scope === 'all') return true;
  if (session.tid !== tid) return false;
  if (scope === 'tenant') return true;
  return scope === 'user' ? session.uid === uid : session.sid === sid;
}
