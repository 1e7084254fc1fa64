import type { WatchedMember } from '../record/contract.ts';
import type { FollowerStatus } from '../revocation/contract.ts';
import type { Head } from '../revocation/types.ts';
import type { Administration, MemberState } from './contract.ts';
import type { Services } from './services.ts';

/** The members, as administrators of a tenant may see them: no addresses. */
export function createNodes(services: Services): Pick<Administration, 'nodes'> {
  return {
    async nodes() {
      const members = await memberStates(services);
      return members.map(({ address: _, ...member }) => member);
    },
  };
}

/** The members as operators see them, by one statement; of the node that answers, what it knows itself. */
export async function memberStates({
  record,
  follower,
}: Pick<Services, 'record' | 'follower'>): Promise<readonly MemberState[]> {
  const { head, members } = await record.members.watch();
  const status = follower.status();
  return members.map((member) => memberState(member, head, status));
}

/** @param status of the node that answers; null when none of the members does. */
export function memberState(
  member: WatchedMember,
  head: Head,
  status: FollowerStatus | null,
): MemberState {
  const { beatAgeMs, ...row } = member;
  // A member of another generation has everything of this one before it.
  const applied = member.generation === head.generation ? member.applied : 0;
  const lag = Math.max(0, head.position - applied);
  if (status?.memberId === member.id) {
    const { leaseLeftMs, freshness } = status;
    return { ...row, self: true, lag, leaseLeftMs, freshness };
  }
  const leaseLeftMs = beatAgeMs === null ? null : member.leaseMs - beatAgeMs;
  return { ...row, self: false, lag, leaseLeftMs, freshness: freshnessOf(member, leaseLeftMs) };
}

function freshnessOf(
  { toleranceMs }: WatchedMember,
  leaseLeftMs: number | null,
): MemberState['freshness'] {
  if (leaseLeftMs === null || leaseLeftMs <= -toleranceMs) return 'unavailable';
  return leaseLeftMs > 0 ? 'fresh' : 'stale';
}
