// Plays every nth schedule from a seed on, in a process of its own (tools/nightly/run.mjs), and reports before each.
import { pathToFileURL } from 'node:url';

const [folder = '', first = '', step = '', last = ''] = process.argv.slice(2);
/** @param {string} module */
const load = (module) => import(pathToFileURL(`${folder}/test/support/simulation/${module}`).href);
const { play, themeOf } = await load('play.js');
const { code } = await load('code.js');

const sum = { schedules: 0, passes: 0, refusals: 0, everywhere: 0, logins: 0 };
let seed = Number(first);

/** @param {object} [more] */
function report(more = {}) {
  process.send?.({ kind: 'sum', next: seed, ...sum, ...more });
}

// What is thrown where nobody waits for it belongs to the schedule that is being played.
/** @type {unknown} */
let stray = null;
process.on('unhandledRejection', (error) => {
  stray ??= error;
});
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(1));

for (; seed < Number(last); seed += Number(step)) {
  // Said before it is played, so that one without an end can be named.
  report();
  try {
    const played = await play(seed, { code });
    if (stray !== null) throw stray;
    sum.passes += played.passes;
    sum.refusals += played.refusals;
    sum.everywhere += played.everywhere;
    sum.logins += played.logins;
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.send?.({ kind: 'broken', seed, theme: themeOf(seed).name, what });
    stray = null;
  }
  sum.schedules += 1;
}
report({ done: true });
process.disconnect?.();
