import { z } from 'zod';
import type { LogRow } from '../../record/contract.ts';
import type { Revocation } from '../../session/contract.ts';
import { count, id, time, timeOf } from './common.ts';

/** Objects of the API: revocations, as a call answers them and as the log lists them. */

const subjectSchema = z
  .strictObject({
    tenant_id: id.nullable(),
    user_id: id.nullable(),
    session_id: id.nullable(),
  })
  .describe('What was revoked: the narrowest id that is set.');

function subjectOf(subject: { tid: string | null; uid: string | null; sid: string | null }) {
  return { tenant_id: subject.tid, user_id: subject.uid, session_id: subject.sid };
}

const scope = z
  .string()
  .describe('`all`, `tenant`, `user`, `session`, or `reissue` (sessions live on, tokens refresh).')
  .meta({ examples: ['user'] });

export const revocationSchema = z
  .strictObject({
    id,
    position: z.int().min(1).describe('Its number in the revocation log.'),
    scope,
    subject: subjectSchema,
    epoch: z.int().min(1).describe('Sessions of the subject with an older epoch are over.'),
    reason: z.string().nullable(),
    effective: z
      .enum(['everywhere', 'pending'])
      .describe('`everywhere`: no node accepts what was revoked any more.'),
    deadline: time
      .optional()
      .describe('When `pending`: the time at which the last node stops answering without it.'),
    members: count.describe('Nodes that had to acknowledge.'),
    acknowledged: count.describe('Nodes that did, or whose right to answer has run out.'),
    waited_ms: z.number().min(0),
  })
  .meta({ id: 'Revocation' });

export function revocationOf(revocation: Revocation): z.infer<typeof revocationSchema> {
  const { barrier } = revocation;
  return {
    id: revocation.id,
    position: revocation.position,
    scope: revocation.scope,
    subject: subjectOf(revocation.subject),
    epoch: revocation.epoch,
    reason: revocation.reason,
    effective: barrier.effective,
    ...(barrier.effective === 'pending' && barrier.deadlineMs !== null
      ? { deadline: timeOf(barrier.deadlineMs) }
      : {}),
    members: barrier.members,
    acknowledged: barrier.acknowledged,
    waited_ms: Math.round(barrier.waitedMs * 1000) / 1000,
  };
}

export const logRowSchema = revocationSchema
  .extend({
    spared_session_id: id.nullable().describe('The one session that goes on.'),
    created_at: time,
  })
  .meta({ id: 'RevocationLogEntry' });

export function logRowOf({
  row,
  revocation,
}: {
  readonly row: LogRow;
  readonly revocation: Revocation;
}): z.infer<typeof logRowSchema> {
  return {
    ...revocationOf(revocation),
    spared_session_id: row.sparedSid,
    created_at: timeOf(row.committedAtMs),
  };
}

export const revokedSchema = z.strictObject({ revocation: revocationSchema });
