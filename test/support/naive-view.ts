import type { Entry, Lineage, TokenFacts, Verdict } from '../../src/revocation/types.ts';

/** The table of docs/protocol.md section 2 by looking at every entry: slow, and plainly right. */
export function judgeNaively(
  view: { readonly entries: readonly Entry[]; readonly horizon: number; readonly lineage: Lineage },
  facts: TokenFacts,
): Verdict {
  const at = view.lineage.findIndex((generation) => generation.id === facts.generation);
  if (at === -1) return 'unknown_generation';
  const laterStarts = view.lineage.slice(0, at).map((generation) => generation.parentEnd);
  if (laterStarts.some((end) => facts.tokenEpoch > end)) return 'superseded';
  if (facts.tokenEpoch < view.horizon) return 'superseded';
  if (view.entries.some((entry) => revokes(entry, facts))) return 'revoked';
  if (view.entries.some((entry) => supersedes(entry, facts))) return 'superseded';
  return 'pass';
}

function revokes(entry: Entry, facts: TokenFacts): boolean {
  if (entry.scope === 'session') return entry.tid === facts.tid && entry.sid === facts.sid;
  const hits =
    entry.scope === 'all' ||
    (entry.scope === 'tenant' && entry.tid === facts.tid) ||
    (entry.scope === 'user' && entry.tid === facts.tid && entry.uid === facts.uid);
  return hits && facts.epoch < entry.position && facts.sid !== entry.sparedSid;
}

function supersedes(entry: Entry, facts: TokenFacts): boolean {
  if (entry.scope !== 'reissue' || facts.tokenEpoch >= entry.position) return false;
  if (entry.tid === null) return true;
  if (entry.tid !== facts.tid) return false;
  if (entry.sid !== null) return entry.sid === facts.sid;
  return entry.uid === null || entry.uid === facts.uid;
}
