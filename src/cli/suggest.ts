/** Mistakes that a word may have and still be taken for another: one, or two in a longer word. */
const LONGER = 5;

/** The one of `words` that was probably meant by `typed`; null when none is close. */
export function nearest(typed: string, words: readonly string[]): string | null {
  const most = typed.length >= LONGER ? 2 : 1;
  let found: string | null = null;
  let least = most + 1;
  for (const word of words) {
    const steps = distance(typed.toLowerCase(), word);
    if (steps < least) [found, least] = [word, steps];
    // A beginning is as good as a slip of the finger: `rev` for `revoke`.
    else if (least > most && typed.length >= 3 && word.startsWith(typed.toLowerCase()))
      found = word;
  }
  return found;
}

/** Letters to insert, remove, replace or exchange with their neighbour to make one word of another. */
function distance(a: string, b: string): number {
  const rows: number[][] = [];
  for (let i = 0; i <= a.length; i += 1) {
    const row: number[] = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const above = rows[i - 1];
      if (above === undefined) {
        row.push(j);
        continue;
      }
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let steps = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        steps = Math.min(steps, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      }
      row.push(steps);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
