/** What long work tells of itself; `total` null: nobody knows yet. */
export interface Progress {
  readonly done: number;
  readonly total: number | null;
}

const WIDTH = 30;
/** Between two redraws: a terminal over a slow line must not hold the work up. */
const REDRAW_MS = 100;
/** Goes to the first column and clears the line. */
const CLEAR = '\r\u001b[K';

/** Whether a bar stands on the terminal's last line. */
let shown = false;

/**
 * A progress bar on standard error, for `withOperator(call, (operator) => operator.verb(input, progressBar('deleting')))`.
 * Where that is no terminal it draws nothing. Whatever is printed afterwards (`print`, `complain`) takes its place.
 *
 * @param what the work in a word or two, such as `deleting rows`
 */
export function progressBar(what: string): (progress: Progress) => void {
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  return ({ done, total }) => {
    if (process.stderr.isTTY !== true) return;
    const now = performance.now();
    if (now - drawnAtMs < REDRAW_MS && done !== total) return;
    drawnAtMs = now;
    shown = true;
    process.stderr.write(`${CLEAR}${progressLine(what, { done, total })}`);
  };
}

/** Takes the bar away, if one is there. */
export function clearProgress(): void {
  if (!shown) return;
  shown = false;
  process.stderr.write(CLEAR);
}

/** The bar as text. */
export function progressLine(what: string, { done, total }: Progress): string {
  if (total === null) return `${what}  ${counted(done)}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.floor(share * WIDTH);
  const bar = `${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}`;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${what}  [${bar}] ${percent} %  ${counted(done)} of ${counted(total)}`;
}

function counted(number: number): string {
  return number.toLocaleString('en');
}
