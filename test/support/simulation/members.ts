import type { MemberStore } from '../../../src/record/contract.ts';
import type { On } from '../simulated-record.ts';

/** The verbs of the member rows, as docs/protocol.md section 5 asks for them. */
export function memberVerbs(on: On): MemberStore {
  return {
    join: (member) =>
      on('join', (server) => {
        server.state.members.set(member.id, {
          ...member,
          beat: 0,
          generation: null,
          applied: 0,
          joinedAtMs: server.nowMs(),
        });
        return { ...server.check(), recordTimeMs: server.nowMs() };
      }),
    heartbeat: (id, generation, applied) =>
      on('heartbeat', (server) => {
        const row = server.state.members.get(id);
        if (row === undefined) return { kind: 'removed' };
        // Of the time of a beat nothing in production may know: a mutant looks at it.
        const beaten = {
          ...row,
          beat: row.beat + 1,
          generation,
          applied,
          beatAtMs: server.nowMs(),
        };
        server.state.members.set(id, beaten);
        return { kind: 'beat', ...server.check(), recordTimeMs: server.nowMs() };
      }),
    listForBarrier: (id) =>
      on('listForBarrier', (server) =>
        server.state.members.has(id)
          ? {
              kind: 'members',
              ...server.check(),
              settled: server.state.newest.settled,
              members: [...server.state.members.values()],
            }
          : { kind: 'removed' },
      ),
    list: () => on('listMembers', ({ state }) => [...state.members.values()]),
    watch: () =>
      on('watchMembers', ({ state }) => ({
        head: state.head,
        members: [...state.members.values()].map((row) => ({
          ...row,
          report: null,
          beatAgeMs: null,
        })),
      })),
    leave: (id) =>
      on('leave', ({ state }) => {
        state.members.delete(id);
      }),
    remove: (id, beat) =>
      on('remove', ({ state }) => state.members.get(id)?.beat === beat && state.members.delete(id)),
    removeAllBut: (id) =>
      on('removeAllBut', ({ state }) => {
        for (const other of [...state.members.keys()])
          if (other !== id) state.members.delete(other);
      }),
  };
}
