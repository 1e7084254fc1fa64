import type { MemberRow } from '../record/contract.ts';
import type { Administration, NodeState } from './contract.ts';
import type { Services } from './services.ts';

/** The members, as administrators of a tenant may see them: no addresses. */
export function createNodes(services: Services): Pick<Administration, 'nodes'> {
  const { record, follower } = services;
  return {
    async nodes() {
      const [members, { head }] = await Promise.all([record.members.list(), record.log.head()]);
      return members.map((member) => stateOf(member, follower.memberId, head));
    },
  };
}

function stateOf(
  { address: _, ...member }: MemberRow,
  self: string,
  head: { readonly generation: string; readonly position: number },
): NodeState {
  // A member of another generation has everything of this one before it.
  const applied = member.generation === head.generation ? member.applied : 0;
  return {
    ...member,
    self: member.id === self,
    lag: Math.max(0, head.position - applied),
  };
}
