import type {
  CommitOutcome,
  CommitRequest,
  LogStore,
  OperationState,
} from '../../../src/record/contract.ts';
import { digestOf } from '../../../src/revocation/digest.ts';
import type { Head } from '../../../src/revocation/types.ts';
import type { On, RecordServer, Weakness } from '../simulated-record.ts';
import { commitOne, commitUnjudged, judgeActor, logRowOf } from './commit.ts';
import type { RecordState } from './tables.ts';

/** The verbs of the log, as docs/protocol.md sections 3 to 6 ask for them. */
export function logVerbs(on: On, weakness: Weakness | null): LogStore {
  return {
    head: () => on('head', (server) => ({ ...server.check(), recordTimeMs: server.nowMs() })),
    fetch: (after, limit) =>
      on('fetch', (server) => ({
        ...server.check(),
        horizon: server.state.horizon,
        entries: server.state.after(after, limit),
      })),
    snapshot: () =>
      on('snapshot', (server) => ({
        ...server.check(),
        horizon: server.state.horizon,
        lineage: server.state.lineage,
      })),
    lineage: () =>
      on('lineage', (server) => ({ ...server.check(), lineage: server.state.lineage })),
    beginGeneration: (expected, id, force) =>
      on('beginGeneration', (server) => begin(server, expected, id, force)),
    settle: (generation) =>
      on('settle', ({ state }) => {
        const settled = state.generations.map((known) =>
          known.id === generation ? { ...known, settled: true } : known,
        );
        state.setGenerations(settled, state.headIdentity);
      }),
    commit: async (requests) => {
      if (weakness !== 'authority before transaction')
        return on('commit', (server) => commit(server, requests));
      const judged = await on('judge', (server) =>
        requests.map((request) => judgeActor(server.state, request)),
      );
      return on('commit', (server) => commit(server, requests, judged));
    },
    operation: (_tid, operationId) =>
      on('operation', ({ state }) => operationOf(state, operationId)),
    operationOrAbandon: (tid, operationId) =>
      on('operationOrAbandon', ({ state }) => {
        const found = operationOf(state, operationId);
        if (found.kind !== 'unknown') return found;
        state.operations.set(operationId, { tid, outcome: 'abandoned', entry: null });
        return { kind: 'abandoned' };
      }),
    list: () => on('list', () => []),
    lastEntries: (_tid, rows) => on('lastEntries', () => rows),
    digest: (from, to) =>
      on('digest', (server) => ({
        ...server.check(),
        digest: digestOf(server.state.after(from - 1).filter((entry) => entry.position <= to)),
      })),
  };
}

function begin(server: RecordServer, expected: string, id: string, force: boolean): Head {
  const { state } = server;
  if (state.head.generation === expected && (force || !server.identityAgrees)) {
    const begun = { id, parent: expected, parentEnd: state.head.position, settled: false };
    state.setGenerations([...state.generations, begun], server.identity);
  }
  return state.head;
}

/** @param judged AUTHORITY, where it was looked at before the transaction only */
function commit(
  server: RecordServer,
  requests: readonly CommitRequest[],
  judged: readonly (CommitOutcome['kind'] | null)[] | null = null,
): readonly CommitOutcome[] {
  const { state } = server;
  for (const { restored, operationId } of requests) {
    // RESTORE: a repeated declaration begins none.
    if (restored !== undefined && !state.operations.has(operationId))
      begin(server, state.head.generation, restored, true);
  }
  if (!server.identityAgrees)
    return requests.map(() => ({ kind: 'identity_changed', head: state.head }));
  return requests.map((request, index) => {
    if (judged === null) return commitOne(server, request);
    const refused = judged[index] ?? null;
    return refused === null
      ? commitUnjudged(server, request)
      : ({ kind: refused } as CommitOutcome);
  });
}

function operationOf(state: RecordState, operationId: string): OperationState {
  const row = state.operations.get(operationId);
  if (row === undefined) return { kind: 'unknown' };
  if (row.outcome === 'abandoned') return { kind: 'abandoned' };
  let last = row;
  for (let n = 1; ; n += 1) {
    const next = state.operations.get(`${operationId}.${n}`);
    if (next?.outcome !== 'committed') break;
    last = next;
  }
  return { kind: 'committed', row: logRowOf(state, row), last: logRowOf(state, last) };
}
