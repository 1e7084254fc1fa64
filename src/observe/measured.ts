import { isSekishoError } from '../errors.ts';
import type { Engine } from '../session/contract.ts';
import type { Metrics } from './metrics.ts';

/**
 * The same engine, counted: logins and refreshes by outcome. Whoever calls it, HTTP or a program, is in the figures. Judged
 * tokens are counted where they are judged (`Metrics.watchTokens`), revocations where they are made (`Metrics.revocation`).
 */
export function measured(engine: Engine, metrics: Metrics): Engine {
  const { logins } = engine;
  metrics.watch(() => engine.status());
  metrics.watchMembers(async () => {
    // A record that this node cannot reach would hold the whole scrape up.
    if (engine.status().freshness !== 'fresh') throw new Error('The record is out of reach.');
    return engine.operator.members();
  });
  metrics.watchCleanup(() => engine.maintenance.status());
  // Whether a node sweeps never changes.
  const { sweep } = engine.maintenance.status();
  metrics.watchTokens(() => engine.tokens.status());
  metrics.watchTrail(() => engine.trail.status());
  if (sweep !== null) metrics.watchSweep(() => engine.maintenance.status().sweep ?? sweep);
  const { backups } = engine;
  if (backups !== null) metrics.watchBackups(backups.status);
  return Object.freeze({
    ...engine,
    get issuer() {
      return engine.issuer;
    },
    logins: Object.freeze({
      ...logins,
      login: counted(logins.login, (outcome) => metrics.login(outcome)),
      refresh: counted(logins.refresh, (outcome) => metrics.refresh(outcome)),
    }),
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
