/** Of the first administrator, who is the one that asks. */
export const PASSWORD = 'violet-anchor-lantern-93';
/** Between two checks of a token, here and there. */
export const CHECK_EVERY_MS = 10;

/** @param {number[]} values */
export function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
