import type { CheckOptions } from '../../tools/cluster/checker.mjs';
import { covers } from '../../tools/cluster/coverage.mjs';
import type {
  History,
  RequestFact,
  RevocationFact,
  SessionFact,
  SocketFact,
} from '../../tools/cluster/history.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import { withClient } from '../../tools/services/postgres-clients.mjs';
import { eventually, type Scene } from './cluster.ts';

/** Rotations of one chain that may be lost: the live token's successor is known to the record, the next one is not. */
const LOST_ROTATIONS = 1;

/**
 * What the record has lost: everything that was written to it from `beginsMs` on, until `endsMs`, when it was back on its
 * earlier state. For the checker: from when it counts, and whom it excuses.
 */
export class Loss {
  readonly beginsMs: number;
  endsMs = Number.POSITIVE_INFINITY;
  /** When the lost entries were seen to be in the record, and in the view of every node, again. */
  handedInMs = Number.POSITIVE_INFINITY;
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
    this.beginsMs = performance.now();
  }

  /** Whether the entry of this revocation may be among what was lost. */
  mayHaveLost({ beginMs, endMs }: RevocationFact): boolean {
    return beginMs < this.endsMs && (endMs === null || endMs > this.beginsMs);
  }

  /** For `checkHistory`: where the entry was lost, from when it was handed in. */
  countsFromMs(revocation: RevocationFact): number | null {
    const { everywhereMs } = revocation;
    if (everywhereMs === null || !this.mayHaveLost(revocation)) return everywhereMs;
    return Math.max(everywhereMs, this.handedInMs);
  }

  /**
   * For `checkHistory`: sessions whose own rows were lost. That is the row of a session that began then, and the chain of one
   * that rotated more often than the record can take up again (docs/refresh.md). Beside them only sessions that began before
   * a lost revocation of their user was handed in: it ends them, too (HAND IN).
   */
  excuses({ session, beginMs }: RequestFact | SocketFact): boolean {
    if (session === null || beginMs < this.beginsMs) return false;
    return this.#lostRowsOf(session) || this.#endedByHandIn(session);
  }

  #endedByHandIn(session: SessionFact): boolean {
    if (session.beginMs > this.handedInMs || session.endMs < this.beginsMs) return false;
    return this.#history.revocations.some(
      (revocation) =>
        this.mayHaveLost(revocation) &&
        revocation.tid === session.tid &&
        (revocation.scope === 'tenant' || revocation.uid === session.uid),
    );
  }

  #lostRowsOf(session: SessionFact): boolean {
    if (session.beginMs < this.endsMs && session.endMs > this.beginsMs) return true;
    const rotations = this.#history.requests.filter(
      (request) =>
        request.kind === 'refresh' &&
        request.session === session &&
        request.status === 200 &&
        request.beginMs < this.endsMs &&
        request.endMs > this.beginsMs,
    );
    return rotations.length > LOST_ROTATIONS;
  }

  /**
   * Waits until `holders` have handed in what they hold, and every one of `nodes` has it: what the checker counts from. That
   * is the first moment at which it was seen; it was so before.
   */
  async untilHandedIn(
    { cluster }: Scene,
    holders: readonly ClusterNode[],
    nodes: readonly ClusterNode[],
    before: number,
  ): Promise<void> {
    await eventually('what was lost is handed in', async () => {
      const counts = await Promise.all(holders.map(handIns));
      return counts.reduce((sum, count) => sum + count, 0) >= before + holders.length;
    });
    await withClient(cluster.databaseUrl, async (client) => {
      const head = await client.query<{ position: string }>('select position from sekisho.head');
      const position = Number(head.rows[0]?.position);
      await eventually('every node has what was handed in', async () => {
        const { rows } = await client.query<{ count: number }>(
          `select count(*)::integer as count from sekisho.member m, sekisho.head h
            where m.generation = h.generation and m.applied >= $1`,
          [position],
        );
        return (rows[0]?.count ?? 0) >= nodes.length;
      });
    });
    this.handedInMs = performance.now();
  }

  /**
   * Access tokens that were accepted between the loss and the hand-in although somebody had been told before that their
   * sessions are over everywhere: by nodes that cannot know (docs/protocol.md section 6).
   */
  acceptedUntilHandIn(): number {
    const { requests, revocations } = this.#history;
    const lost = revocations.filter(
      (revocation) =>
        this.mayHaveLost(revocation) && (revocation.everywhereMs ?? Infinity) < this.endsMs,
    );
    return requests.filter(
      ({ kind, status, session, beginMs }) =>
        kind === 'authenticate' &&
        status === 200 &&
        beginMs > this.endsMs &&
        beginMs < this.handedInMs &&
        session !== null &&
        lost.some((revocation) => covers(revocation, session, false) === 'yes'),
    ).length;
  }

  /** For people, with the moment of the hand-in. */
  describe(): string {
    const { beganMs, requests, revocations } = this.#history;
    const lost = revocations.filter((revocation) => this.mayHaveLost(revocation));
    const sessions = new Set(requests.flatMap(({ session }) => session ?? []));
    const excused = [...sessions].filter((session) => this.#lostRowsOf(session)).length;
    const at = (ms: number) => `${((ms - beganMs) / 1000).toFixed(3)} s`;
    return [
      `what was written from ${at(this.beginsMs)} on was lost at ${at(this.endsMs)}`,
      `handed in, and known to every node, at ${at(this.handedInMs)}`,
      `${lost.filter(({ everywhereMs }) => everywhereMs !== null && everywhereMs < this.endsMs).length} lost revocations had been everywhere`,
      `revoked tokens accepted until then: ${this.acceptedUntilHandIn()}`,
      `${excused} of ${sessions.size} sessions lost rows of their own`,
    ].join('; ');
  }
}

/** What `checkHistory` makes of losses; the list may grow until it judges. */
export function judgedWith(losses: readonly Loss[]): CheckOptions {
  return {
    superseded: true,
    countsFromMs: (revocation) => {
      const { everywhereMs } = revocation;
      if (everywhereMs === null) return null;
      return Math.max(
        everywhereMs,
        ...losses.map((loss) => loss.countsFromMs(revocation) ?? everywhereMs),
      );
    },
    excused: (refused) => losses.some((loss) => loss.excuses(refused)),
  };
}

/** How often a node has handed in what it held. */
export async function handIns(node: ClusterNode): Promise<number> {
  const metrics = await node.metrics();
  return metrics?.get('sekisho_protocol_events_total{event="entries_handed_in"}') ?? 0;
}
