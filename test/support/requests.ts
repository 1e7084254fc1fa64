import { newId } from '../../src/id.ts';
import type { Actor, CommitOutcome, CommitRequest } from '../../src/record/contract.ts';
import type { Subject } from '../../src/revocation/types.ts';
import { type RecordFixture, START_MS } from './seed.ts';

export const OPERATOR: Actor = { kind: 'operator', name: 'test' };

/** An administrative write with an id of its own; what is not said is nothing. */
export function request(parts: Partial<CommitRequest> = {}): CommitRequest {
  return {
    operationId: newId(),
    actor: OPERATOR,
    revoke: [],
    change: null,
    reason: null,
    nowMs: START_MS,
    audit: [],
    idempotency: null,
    ...parts,
  };
}

export async function commitOne(
  { record }: RecordFixture,
  parts: Partial<CommitRequest>,
): Promise<CommitOutcome> {
  const [outcome] = await record.log.commit([request(parts)]);
  if (outcome === undefined) throw new Error('no outcome');
  return outcome;
}

/** The outcome `committed`, or an error that names the other one. */
export async function committed(
  fixture: RecordFixture,
  parts: Partial<CommitRequest>,
): Promise<Extract<CommitOutcome, { kind: 'committed' }>> {
  const outcome = await commitOne(fixture, parts);
  if (outcome.kind !== 'committed') throw new Error(`it was not committed: ${outcome.kind}`);
  return outcome;
}

export function ofUser(tid: string, uid: string, sparedSid: string | null = null): Subject {
  return { scope: 'user', tid, uid, sid: null, sparedSid };
}

export function ofTenant(tid: string, sparedSid: string | null = null): Subject {
  return { scope: 'tenant', tid, uid: null, sid: null, sparedSid };
}

export function ofSession(tid: string, uid: string | null, sid: string): Subject {
  return { scope: 'session', tid, uid, sid, sparedSid: null };
}

export function actingSession(
  tid: string,
  uid: string,
  sid: string,
  role: string | null = 'admin',
): Actor {
  return { kind: 'session', tid, uid, sid, role };
}
