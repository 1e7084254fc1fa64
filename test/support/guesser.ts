import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Cluster } from '../../tools/cluster/cluster.mjs';
import type { Administrator, Person } from '../../tools/cluster/people.mjs';
import { mostAttemptsInWindow } from './attempt-rule.ts';
import { eventually } from './cluster.ts';

/** What the tenant of those who are guessed at allows. */
const LIMIT = { account_attempts: 4, account_window: 3600, max_wait: 900 };
const GUESS_EVERY_MS = 60;
/** Nodes' wall times and this process' clock are not the same. */
const CLOCKS_APART_MS = 2_000;

export interface Guesser {
  /** Ends it, and judges: every node was asked, the limit was met and never passed, and nothing else was answered. */
  end(): Promise<void>;
}

/** A tenant whose users are guessed at: its limits are narrow, the load's own are not. */
export interface GuessedTenant {
  readonly tid: string;
  /** Tries wrong passwords for one more of its users, at all nodes in turn and some at once, until `end`. */
  guess(): Promise<Guesser>;
}

/** @param slug of the tenant, which is made */
export async function makeGuessedTenant(cluster: Cluster, slug: string): Promise<GuessedTenant> {
  const { administrator } = await cluster.addTenant(slug, 0);
  const policy = (await administrator.call('/v1/admin/policy')).body.policy;
  const narrow = { ...policy, login_limit: { ...policy.login_limit, ...LIMIT } };
  const reply = await administrator.call('/v1/admin/policy', { method: 'PUT', body: narrow });
  if (reply.status !== 200)
    throw new Error(`policy: ${reply.status} ${JSON.stringify(reply.body)}`);
  return { tid: administrator.person.tid, guess: () => startGuessing(cluster, administrator) };
}

async function startGuessing(cluster: Cluster, administrator: Administrator): Promise<Guesser> {
  const [victim] = await administrator.makePeople(1);
  if (victim === undefined) throw new Error('nobody was made');
  const answers: (readonly [node: string, status: number | null])[] = [];
  const running = new Set<Promise<void>>();
  const beganMs = performance.now();
  let ended = false;

  const going = (async (): Promise<void> => {
    // The first ones all at once: what is allowed is used up before the fault, by whoever is first.
    for (let round = 0; !ended; round += 1) {
      for (let each = 0; each < (round === 0 ? 4 : 1); each += 1) {
        const guessed = guessOnce(round + each).finally(() => running.delete(guessed));
        running.add(guessed);
      }
      await sleep(GUESS_EVERY_MS);
    }
    await Promise.all(running);
  })();

  async function guessOnce(turn: number): Promise<void> {
    const node = cluster.nodes[turn % cluster.nodes.length];
    if (node === undefined || victim === undefined) return;
    const { tenant, email } = victim as Person;
    const body = { tenant, email, password: `not the password ${answers.length}` };
    const { status } = await cluster.http.call(`${node.url}/v1/login`, { body });
    answers.push([node.name, status]);
  }

  return {
    async end() {
      const refusing = (): number =>
        new Set(answers.flatMap(([node, status]) => (status === 429 ? [node] : []))).size;
      await eventually('every node refuses guesses', () => refusing() === cluster.nodes.length);
      ended = true;
      await going;
      const elapsedMs = performance.now() - beganMs;
      const of = (wanted: number): number =>
        answers.filter(([, status]) => status === wanted).length;
      const { account_attempts: attempts, max_wait } = LIMIT;
      const windowMs = elapsedMs + CLOCKS_APART_MS;
      const most = mostAttemptsInWindow({ attempts, windowMs, maxWaitMs: max_wait * 1000 });
      process.stderr.write(
        `  guesses: ${of(401)} of at most ${most} in ${(elapsedMs / 1000).toFixed(1)} s, ${of(429)} refused\n`,
      );
      expect(of(401) + of(429)).toBe(answers.length);
      expect(of(401)).toBeLessThanOrEqual(most);
      expect(of(401)).toBeGreaterThanOrEqual(attempts);
    },
  };
}
