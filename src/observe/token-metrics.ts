import { Counter, type Registry } from 'prom-client';
import type { TokenStatus } from '../session/contract.ts';
import { addCounters, addGauges, type Figures } from './figures.ts';

const GAUGES: Figures<TokenStatus, number | null> = {
  sekisho_known_tokens: [
    'Access tokens whose signature this node has verified and remembers.',
    ({ size }) => size,
  ],
  sekisho_known_tokens_limit: [
    'How many of them it remembers at most (SEKISHO_TOKEN_CACHE_SIZE).',
    ({ maxTokens }) => maxTokens,
  ],
};

const COUNTERS: Figures<TokenStatus, number> = {
  sekisho_verified_tokens_total: [
    'Access tokens that this node began to know: each is a signature that was verified.',
    ({ added }) => added,
  ],
  sekisho_displaced_tokens_total: [
    'Known tokens that had to go before their end to make room, and are verified anew when they come back.',
    ({ displaced }) => displaced,
  ],
};

/** Figures of access tokens: what became of those that were judged, and which of them this node knows. */
export function watchTokens(registry: Registry, status: () => TokenStatus): void {
  addGauges(registry, GAUGES, status);
  addCounters(registry, COUNTERS, status);
  new Counter({
    name: 'sekisho_authentications_total',
    help: 'Judged tokens, by outcome.',
    labelNames: ['outcome'] as const,
    registers: [registry],
    collect() {
      const { passed, refused } = status();
      this.reset();
      this.inc({ outcome: 'success' }, passed);
      for (const [outcome, count] of refused) this.inc({ outcome }, count);
    },
  });
}
