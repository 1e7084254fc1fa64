import { revocationOf } from '../http/objects/revocations.ts';
import type { Revocation } from '../session/contract.ts';
import { type Call, duration, type Option, optional, UsageError } from './command.ts';
import { EXIT } from './exit.ts';
import { counted } from './output.ts';

/** What commands that revoke have in common. */

const MAX_WAIT_SECONDS = 30;

/** `--tenant`, for everything that is of one. */
export const tenantOption: Option = Object.freeze({
  name: 'tenant',
  value: 'SLUG',
  help: 'its tenant, by slug or id; required',
});

export const reasonOption: Option = Object.freeze({
  name: 'reason',
  value: 'TEXT',
  help: 'why, for the log and the audit trail',
});

export const waitOption: Option = Object.freeze({
  name: 'wait',
  value: 'TIME',
  help: 'how long to wait until it is everywhere, such as 10s; default 2s, at most 30s; 0 does not wait',
});

/** `--reason` and `--wait` as the operator's verbs take them. @throws UsageError */
export function revokingOf(call: Call): {
  readonly reason: string | null;
  readonly waitMs: number | null;
} {
  return { reason: optional(call, 'reason'), waitMs: waitMsOf(call) };
}

/** `--wait` in milliseconds; null when it was not given. @throws UsageError */
export function waitMsOf(call: Call): number | null {
  const seconds = duration(call, 'wait');
  if (seconds === null) return null;
  if (seconds <= MAX_WAIT_SECONDS) return seconds * 1000;
  throw new UsageError(`--wait must be at most ${MAX_WAIT_SECONDS}s`);
}

/** The revocation as the HTTP contract shows it, where there is one. */
export function revocationJson(revocation: Revocation | null): {
  readonly revocation?: ReturnType<typeof revocationOf>;
} {
  return revocation === null ? {} : { revocation: revocationOf(revocation) };
}

/** One line for people. @param what such as `every session of skyline has ended` */
export function revokedLine(what: string, { id, subject, barrier }: Revocation): string {
  if (barrier.effective === 'everywhere') return `${what} everywhere`;
  const { deadlineMs } = barrier;
  const by = deadlineMs === null ? '' : `, at the latest ${new Date(deadlineMs).toISOString()}`;
  const tenant = subject.tid === null ? '' : `--tenant ${subject.tid} `;
  return `${what}, but ${missingWords(barrier)}${by}; to ask again: sekisho revoke show ${tenant}${id}`;
}

function missingWords({ members, acknowledged, waitingFor = [] }: Revocation['barrier']): string {
  const missing = members - acknowledged;
  if (members === 0) return 'which nodes know is not known yet';
  if (missing === 0) return 'that every node knows is not certain yet';
  const who = waitingFor.length === 0 ? '' : ` (${waitingFor.join(', ')})`;
  return `${missing} of ${counted(members, 'node')} ${missing === 1 ? 'has' : 'have'} not said so yet${who}`;
}

/** Whether it is done, or pending although it was waited for. */
export function revocationExit(call: Call, revocation: Revocation | null): number {
  const pending = revocation?.barrier.effective === 'pending' && waitMsOf(call) !== 0;
  return pending ? EXIT.pending : EXIT.done;
}
