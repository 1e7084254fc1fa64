import type { FollowerStatus } from '../../revocation/contract.ts';
import type { BackupStatus, MemberState } from '../../session/contract.ts';
import { timeOf } from '../output.ts';

/** A member, for people: what it is, and where something is wrong, what may be done. */
export function memberLines(member: MemberState): readonly string[] {
  const { report } = member;
  const hub = report && { kind: report.hub, working: report.hubWorking };
  const advice = adviceOn(member);
  return [
    `  ${member.id}  ${member.freshness}  ${member.address ?? ''}`.trimEnd(),
    `    generation ${member.generation ?? '-'}, applied ${member.applied}, lag ${member.lag}, protocol ${member.version}`,
    `    lease ${member.leaseMs} ms, ${leaseWords(member.leaseLeftMs)}; heartbeat ${milliseconds(report?.lastHeartbeatMs ?? null)}`,
    `    hub ${hub === null ? 'unknown' : hubWords(hub)}`,
    ...(advice === null ? [] : [`    ${advice}`]),
  ];
}

/**
 * What is left of a lease, or since when nothing is. It stands in the record's row of a member, so that one that was killed
 * looks as one that is late: for as long as its tolerance nobody can tell them apart.
 */
export function leaseWords(leaseLeftMs: number | null): string {
  if (leaseLeftMs === null) return 'no heartbeat yet';
  if (leaseLeftMs > 0) return `${Math.round(leaseLeftMs)} ms left`;
  return `ran out ${spanOf(-leaseLeftMs)} ago`;
}

function adviceOn({ freshness, leaseLeftMs, toleranceMs }: MemberState): string | null {
  if (freshness === 'fresh') return null;
  if (freshness === 'stale' && leaseLeftMs !== null) {
    return `its heartbeats do not arrive: if it runs, it may answer as stale for ${spanOf(leaseLeftMs + toleranceMs)} more; look at its log and at its way to the database`;
  }
  if (leaseLeftMs === null) {
    return 'it has joined and proved nothing yet: it answers nobody. It is starting, or was killed while it was';
  }
  return 'it answers nobody: killed, standing still, or cut off from the database. If it runs, look at its log; if it is gone for good, there is nothing to do: the other nodes remove it within a minute, or the next one that starts does';
}

export function backupWords(
  { everyMs, lastAtMs, failures, overdue }: BackupStatus,
  nowMs: number,
): string {
  const last =
    lastAtMs === null
      ? 'none yet'
      : `the last one ${spanOf(Math.max(0, nowMs - lastAtMs))} ago (${timeOf(lastAtMs)})`;
  const words = `one each ${spanOf(everyMs ?? 0)}, ${last}`;
  const failed = failures === 0 ? '' : `, ${failures} failed since the start`;
  return overdue ? `${words}${failed}: overdue, see the log of the server` : `${words}${failed}`;
}

export function hubWords({ kind, working }: FollowerStatus['hub']): string {
  return `${kind}, ${working ? 'working' : 'not working: revocations take up to two heartbeats'}`;
}

export function milliseconds(ms: number | null): string {
  return ms === null ? 'none yet' : `${ms.toFixed(1)} ms`;
}

/** `3.8 s`, `12 min`, `2.5 h`, `3 d`. */
function spanOf(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${rounded(seconds)} s`;
  if (seconds < 3_600) return `${rounded(seconds / 60)} min`;
  if (seconds < 86_400) return `${rounded(seconds / 3_600)} h`;
  return `${rounded(seconds / 86_400)} d`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
