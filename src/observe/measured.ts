import { isSekishoError } from '../errors.ts';
import type { Engine, Revocation } from '../session/contract.ts';
import type { Metrics } from './metrics.ts';

/**
 * The same engine, counted: logins, refreshes and judged tokens by outcome, revocations with the time that they waited.
 * Whoever calls it, HTTP or a program, is in the figures.
 */
export function measured(engine: Engine, metrics: Metrics): Engine {
  const { authentication } = engine;
  const logins = revoking(engine.logins, metrics);
  metrics.watch(() => engine.status());
  metrics.watchMembers(async () => {
    // A record that this node cannot reach would hold the whole scrape up.
    if (engine.status().freshness !== 'fresh') throw new Error('The record is out of reach.');
    return engine.operator.members();
  });
  metrics.watchCleanup(() => engine.maintenance.status());
  // Whether a node sweeps never changes.
  const { sweep } = engine.maintenance.status();
  metrics.watchTrail(() => engine.trail.status());
  if (sweep !== null) metrics.watchSweep(() => engine.maintenance.status().sweep ?? sweep);
  const { backups } = engine;
  if (backups !== null) metrics.watchBackups(backups.status);
  const judged = () => metrics.authentication('success');
  const refused = (error: unknown) => metrics.authentication(outcomeOf(error));
  return Object.freeze({
    ...engine,
    get issuer() {
      return engine.issuer;
    },
    authentication: Object.freeze({
      ...authentication,
      authenticate(token, options) {
        const answer = authentication.authenticate(token, options);
        // Beside the answer: counting holds nobody up.
        answer.then(judged, refused);
        return answer;
      },
    } satisfies Engine['authentication']),
    logins: Object.freeze({
      ...logins,
      login: counted(logins.login, (outcome) => metrics.login(outcome)),
      refresh: counted(logins.refresh, (outcome) => metrics.refresh(outcome)),
    }),
    ownSessions: Object.freeze(revoking(engine.ownSessions, metrics)),
    administration: Object.freeze(revoking(engine.administration, metrics)),
  });
}

function outcomeOf(error: unknown): string {
  return isSekishoError(error) ? error.code : 'internal';
}

function counted<Arguments extends unknown[], Result>(
  call: (...given: Arguments) => Promise<Result>,
  count: (outcome: string) => void,
): (...given: Arguments) => Promise<Result> {
  return async (...given) => {
    try {
      const result = await call(...given);
      count('success');
      return result;
    } catch (error) {
      count(outcomeOf(error));
      throw error;
    }
  };
}

type Verb = (...given: unknown[]) => Promise<unknown>;

/** Every verb of a group of use cases; an answer with a `revocation` is counted. */
function revoking<Group extends object>(group: Group, metrics: Metrics): Group {
  const verbs = Object.entries(group as Record<string, Verb>).map(([name, verb]) => [
    name,
    async (...given: unknown[]) => {
      const result = await verb(...given);
      const revocation = revocationIn(result);
      if (revocation !== null) metrics.revocation(revocation);
      return result;
    },
  ]);
  return Object.fromEntries(verbs) as Group;
}

function revocationIn(result: unknown): Revocation | null {
  if (typeof result !== 'object' || result === null || !('revocation' in result)) return null;
  return result.revocation as Revocation | null;
}
