import type { Command } from '../command.ts';
import { reachOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';

export const doctor: Command = {
  name: 'doctor',
  operands: [],
  summary:
    'Says how the node that answers is, and who the members are. Exit code 1 when it may not answer.',
  options: reachOptions,
  examples: ['sekisho doctor', 'sekisho doctor --json'],
  async run(call) {
    const { status, members } = await withOperator(call, async (operator) => ({
      status: await operator.status(),
      members: await operator.members(),
    }));
    const { hub, ...node } = status;
    print(call.options.json === true, { node: { ...node, hub }, members }, [
      `member     ${node.memberId}, ${node.state}, ${node.freshness}`,
      `log        generation ${node.generation ?? '-'}, applied ${node.applied} of ${node.head}`,
      `lease      ${node.leaseMs} ms + ${node.toleranceMs} ms, ${Math.round(node.leaseLeftMs)} ms left`,
      `heartbeat  ${node.lastHeartbeatMs === null ? 'none yet' : `${node.lastHeartbeatMs.toFixed(1)} ms`}`,
      `hub        ${hub.kind}, ${hub.working ? 'working' : 'not working: revocations take up to a lease'}`,
      `members    ${members.length}`,
      ...members.map(
        ({ id, version, applied, address }) =>
          `  ${id}  release ${version}  applied ${applied}  ${address ?? ''}`,
      ),
    ]);
    return node.freshness === 'unavailable' ? 1 : 0;
  },
};
