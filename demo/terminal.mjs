/** Prints the story: plain lines of at most 80 columns, colours only on a terminal. */

const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined;

/** @param {number} code @param {string} text */
const paint = (code, text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

const green = (/** @type {string} */ text) => paint(32, text);
const red = (/** @type {string} */ text) => paint(31, text);
const dim = (/** @type {string} */ text) => paint(2, text);
const bold = (/** @type {string} */ text) => paint(1, text);

/** Expectations that did not hold. @type {string[]} */
export const failures = [];

/** @param {string} title */
export function scene(title) {
  console.log(`\n${bold(title)}`);
}

/** @param {string} text */
export function tell(text) {
  console.log(dim(`  ${text}`));
}

/**
 * One thing that happened, and whether it is what the story promises.
 * @param {string} who
 * @param {string} what
 * @param {boolean} asPromised
 */
export function expectation(who, what, asPromised) {
  const mark = asPromised ? green('ok') : red('WRONG');
  console.log(`  ${who.padEnd(22)} ${what.padEnd(46)} ${mark}`);
  if (!asPromised) failures.push(`${who}: ${what}`);
}

/** @param {string} what @param {string} value */
export function figure(what, value) {
  console.log(`  ${what.padEnd(50)} ${bold(value.padStart(18))}`);
}

/** @param {number} ms */
export function milliseconds(ms) {
  if (ms < 0.1) return `${(ms * 1000).toFixed(2)} µs`;
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

/** @param {readonly number[]} sorted @param {number} share */
export function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function verdict() {
  console.log();
  if (failures.length === 0) console.log(green('Everything happened as promised.'));
  else
    console.log(
      red(`${failures.length} of the promises did not hold:\n  ${failures.join('\n  ')}`),
    );
}
