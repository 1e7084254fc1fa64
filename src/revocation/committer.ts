import { type Clock, sleep } from '../clock.ts';
import { isOutage, isSekishoError, SekishoError } from '../errors.ts';
import type { CommitOutcome, CommitRequest, LogStore } from '../record/contract.ts';
import { historyKeepsChanging } from './changing-history.ts';
import {
  COMMIT_BATCH,
  HISTORY_REPEATS,
  UNKNOWN_OUTCOME_EVERY_MS,
  UNKNOWN_OUTCOME_WAIT_MS,
} from './constants.ts';
import type { Follower } from './contract.ts';

/** Commits administrative writes and revocations of this node, many in one transaction. */
export interface Committer {
  /**
   * COMMIT. When it resolves, this node has applied the entries and cut the connections they hit.
   *
   * @returns never `identity_changed`. A commit whose answer was lost, but which the record confirms, is a `duplicate`.
   * @throws SekishoError `outcome_unknown` with the operation's id, `store_unavailable`; and what the database reports.
   */
  commit(request: CommitRequest): Promise<CommitOutcome>;
}

export interface CommitterOptions {
  readonly log: LogStore;
  readonly follower: Pick<Follower, 'committed' | 'identityChanged'>;
  readonly clock: Clock;
  /** How long a commit whose answer was lost is asked after. Milliseconds ≥ 0, default 2000. */
  readonly unknownOutcomeWaitMs?: number;
}

interface Waiting {
  readonly request: CommitRequest;
  resolve(outcome: CommitOutcome): void;
  reject(error: unknown): void;
}

/**
 * BATCH: requests that arrive while a transaction is under way share the next one, so that many pass the one lock of
 * the log's head with one commit.
 */
export function createCommitter(options: CommitterOptions): Committer {
  const { log, follower, clock } = options;
  const unknownOutcomeWaitMs = options.unknownOutcomeWaitMs ?? UNKNOWN_OUTCOME_WAIT_MS;
  const queue: Waiting[] = [];
  let running = false;

  /** Never rejects. */
  async function run(): Promise<void> {
    while (queue.length > 0) await commitBatch(queue.splice(0, COMMIT_BATCH));
    running = false;
  }

  async function commitBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await commitInNewestGeneration(batch);
      follower.committed(entriesOf(outcomes));
      batch.forEach((waiting, index) => {
        const outcome = outcomes[index];
        if (outcome === undefined)
          waiting.reject(new SekishoError('internal', 'The record answered too few requests.'));
        else waiting.resolve(outcome);
      });
    } catch (error) {
      await failed(batch, error);
    }
  }

  /** GENERATION: a new one is begun where the history has changed, then the statement is repeated. */
  async function commitInNewestGeneration(
    batch: readonly Waiting[],
  ): Promise<readonly CommitOutcome[]> {
    const requests = batch.map((waiting) => waiting.request);
    for (let repeat = 0; repeat < HISTORY_REPEATS; repeat += 1) {
      const outcomes = await log.commit(requests);
      const changed = outcomes.find((outcome) => outcome.kind === 'identity_changed');
      if (changed === undefined) return outcomes;
      await follower.identityChanged(changed.head);
    }
    throw historyKeepsChanging();
  }

  async function failed(batch: readonly Waiting[], error: unknown): Promise<void> {
    if (isSekishoError(error) && error.code === 'outcome_unknown') {
      // Nobody behind them in the queue waits for what became of these.
      for (const waiting of batch) void askAfter(waiting, error);
      return;
    }
    // Nothing of the batch happened. One of its requests may have spoilt it for the others; an outage spoils each.
    if (batch.length > 1 && !isOutage(error)) {
      for (const waiting of batch) await commitBatch([waiting]);
      return;
    }
    for (const waiting of batch) waiting.reject(error);
  }

  /**
   * UNKNOWN OUTCOME: asks what became of the operation while the caller still waits. An id that the record does not know
   * may yet be committed, so asking never concludes that it was not. Never rejects.
   */
  async function askAfter(waiting: Waiting, cause: SekishoError): Promise<void> {
    const { request } = waiting;
    const untilMs = clock.monotonicMs() + unknownOutcomeWaitMs;
    while (clock.monotonicMs() < untilMs) {
      await sleep(clock, UNKNOWN_OUTCOME_EVERY_MS);
      try {
        const state = await log.operation(tenantOf(request), request.operationId);
        if (state.kind === 'committed') {
          // Its entries reach the view by FOLLOW: more may lie between.
          waiting.resolve({ kind: 'duplicate', operationId: request.operationId, row: state.row });
          return;
        }
        if (state.kind === 'abandoned') {
          waiting.resolve({ kind: 'abandoned' });
          return;
        }
      } catch {
        // Still out of reach.
      }
    }
    waiting.reject(
      new SekishoError('outcome_unknown', 'The record did not say in time whether this was done.', {
        operationId: request.operationId,
        retryAfterSeconds: 1,
        cause,
      }),
    );
  }

  return {
    commit(request) {
      return new Promise((resolve, reject) => {
        queue.push({ request, resolve, reject });
        if (running) return;
        running = true;
        void run();
      });
    },
  };
}

/** The entries of a batch; the record appended them in the order of its requests. */
function entriesOf(outcomes: readonly CommitOutcome[]) {
  return outcomes.flatMap((outcome) => (outcome.kind === 'committed' ? outcome.entries : []));
}

/** The tenant under which the record keeps an operation: that of the actor, else of what it revokes or changes. */
function tenantOf(request: CommitRequest): string | null {
  if ('tid' in request.actor) return request.actor.tid;
  return request.revoke[0]?.tid ?? request.change?.tid ?? null;
}
