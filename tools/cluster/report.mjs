/** What happened, in some lines for people. */

/** @typedef {import('./history.mjs').History} History */
/** @typedef {import('./checker.mjs').Verdict} Verdict */

/**
 * @typedef {object} Summary
 * @property {number} seconds
 * @property {number} requests
 * @property {Record<string, number>} answers such as `authenticate 200`, `refresh 401 session_revoked`
 * @property {number} stale answers that said so
 * @property {number} lost requests without an answer
 * @property {number} unavailable answers 503
 * @property {number} skipped requests that were due and not sent
 * @property {Record<string, number>} revocations by what their call said
 * @property {number} pending revoking calls that returned before it was everywhere
 * @property {number | null} longestUntilEverywhereMs from the begin of a revoking call until somebody was told `everywhere`
 * @property {number} notEverywhere revocations of which nobody was ever told
 * @property {Record<string, number>} sockets by how they ended
 */

/** @param {History} history @returns {Summary} */
export function summarize(history) {
  const { requests, revocations, sockets } = history;
  const times = revocations.flatMap(({ beginMs, everywhereMs }) =>
    everywhereMs === null ? [] : [everywhereMs - beginMs],
  );
  return {
    seconds: ((history.endedMs ?? performance.now()) - history.beganMs) / 1000,
    requests: requests.length,
    answers: counted(
      requests,
      ({ kind, status, code }) => `${kind} ${status ?? 'lost'}${code ? ` ${code}` : ''}`,
    ),
    stale: requests.filter(({ freshness }) => freshness === 'stale').length,
    lost: requests.filter(({ status, kind }) => status === null && kind !== 'ping').length,
    unavailable: requests.filter(({ status }) => status === 503).length,
    skipped: history.skipped,
    revocations: counted(revocations, ({ firstOutcome }) => firstOutcome ?? 'open'),
    pending: revocations.filter(({ firstOutcome }) => firstOutcome === 'pending').length,
    longestUntilEverywhereMs: times.length === 0 ? null : Math.max(...times),
    notEverywhere: revocations.filter(
      ({ everywhereMs, outcome }) => everywhereMs === null && outcome !== 'refused',
    ).length,
    sockets: counted(sockets, ({ code, byClient }) =>
      byClient ? 'by client' : `${code ?? 'open'}`,
    ),
  };
}

/**
 * @param {string} title of the case
 * @param {History} history
 * @param {Verdict} verdict
 * @returns {string}
 */
export function report(title, history, { violations, evidence }) {
  const summary = summarize(history);
  const { longestUntilEverywhereMs: longest } = summary;
  return [
    `${title}: ${summary.requests} requests in ${summary.seconds.toFixed(1)} s`,
    `  until everywhere, longest: ${longest === null ? 'never' : `${longest.toFixed(1)} ms`}`,
    `  revoking calls: ${list(summary.revocations)}; never everywhere: ${summary.notEverywhere}`,
    `  answers: ${list(summary.answers)}`,
    `  stale: ${summary.stale}, 503: ${summary.unavailable}, lost: ${summary.lost}, skipped: ${summary.skipped}`,
    `  sockets: ${list(summary.sockets)}`,
    `  tried: ${evidence.revokedTried} revoked, ${evidence.validTried} valid, ${evidence.undecided} undecided`,
    `  violations: ${violations.length}`,
    ...violations
      .slice(0, 20)
      .map(({ rule, atMs, what }) => `    ${(atMs / 1000).toFixed(3)} s ${rule}: ${what}`),
    '',
  ].join('\n');
}

/** @template T @param {readonly T[]} all @param {(one: T) => string} nameOf */
function counted(all, nameOf) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const one of all) {
    const name = nameOf(one);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** @param {Record<string, number>} counts */
function list(counts) {
  const parts = Object.entries(counts).sort(([a], [b]) => a.localeCompare(b));
  return parts.map(([name, count]) => `${count} ${name}`).join(', ') || 'none';
}
