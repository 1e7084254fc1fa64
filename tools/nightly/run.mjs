// The long form of what the tests do for seconds: a million schedules of the simulation, on every core; then the fuzzing
// of HTTP with more requests; then a server that is killed again and again under load; then the failure table on real
// processes with outages as long as they are named.
//
//   npm run nightly                                a million schedules from a new seed
//   npm run nightly -- --schedules 50000           fewer, or more
//   npm run nightly -- --seed 123 --workers 1      from a seed that was printed; this many processes
//   npm run nightly -- --fuzz 0                    how many times as many requests as in npm test; 0: none
//   npm run nightly -- --kills 0                   how often an embedded server is killed under load; 0: never
//   npm run nightly -- --faults 0                  how often the failure table is played; 0: not at all
//
// Stopped by Ctrl-C it says how to go on. Ends with 1 when a promise was broken; each is printed with how to see it again.
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    workers: { type: 'string', default: String(availableParallelism()) },
    fuzz: { type: 'string', default: '100' },
    kills: { type: 'string', default: '50' },
    faults: { type: 'string', default: '1' },
  },
});
const schedules = wholeNumber('schedules', values.schedules, 1);
const firstSeed = wholeNumber('seed', values.seed, 0);
const workers = wholeNumber('workers', values.workers, 1);
const fuzzTimes = wholeNumber('fuzz', values.fuzz, 0);
const kills = wholeNumber('kills', values.kills, 0);
const faultTimes = wholeNumber('faults', values.faults, 0);
/** Far more than any schedule takes, on a machine with other things to do. */
const STUCK_MS = 120_000;
const MOST_PRINTED = 20;

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'node_modules/.cache/sekisho/nightly');
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tools/nightly/tsconfig.json')],
  { stdio: 'inherit' },
);
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');

/** @typedef {{ next: number, schedules: number, passes: number, refusals: number, everywhere: number, logins: number, done?: boolean }} Sum */
/** @type {Sum[]} */
const sums = [];
let broken = 0;
let stopping = false;
const startedMs = performance.now();
console.log(`${schedules} schedules from seed ${firstSeed}, ${workers} at a time`);

const progress = setInterval(() => console.log(progressLine()), 10_000);
process.on('SIGINT', () => {
  stopping = true;
  for (const child of children) child.kill('SIGKILL');
});
/** @type {import('node:child_process').ChildProcess[]} */
const children = [];
await Promise.all(Array.from({ length: workers }, (_, index) => work(index)));
clearInterval(progress);
console.log(progressLine());
if (stopping) {
  const next = Math.min(...sums.map((sum) => sum.next));
  const left = firstSeed + schedules - next;
  console.log(`go on with: npm run nightly -- --seed ${next} --schedules ${left}`);
} else {
  if (fuzzTimes > 0) {
    console.log(`fuzzing HTTP, ${fuzzTimes} times as long as in npm test`);
    suite('node', 'test/http/fuzz.test.ts', { SEKISHO_FUZZ_TIMES: String(fuzzTimes) });
  }
  if (kills > 0 || faultTimes > 0) buildServer();
  if (kills > 0) {
    console.log(`kill -9 under load, ${kills} rounds`);
    suite('process', 'test/process/kills.test.ts', {
      SEKISHO_KILLS: String(kills),
      SEKISHO_KILLS_SEED: String(firstSeed),
    });
    console.log(`starts of several processes on one directory, ${kills} rounds`);
    suite('process', 'test/record/directory-lock.test.ts', {
      SEKISHO_LOCK_ROUNDS: String(kills),
      SEKISHO_LOCK_SEED: String(firstSeed),
    });
  }
  for (let time = 1; time <= faultTimes; time += 1) {
    console.log(`the failure table, long form, ${time} of ${faultTimes}`);
    suite('cluster', 'test/faults', { SEKISHO_LONG: '1' });
  }
}
process.exitCode = broken > 0 || stopping ? 1 : 0;

/**
 * Tests in a form that has no time limit of its own.
 * @param {string} project
 * @param {string} files
 * @param {Record<string, string>} env
 */
function suite(project, files, env) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--project', project, '--testTimeout=0', files],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } },
  );
  if (status !== 0) broken += 1;
}

/** Servers are processes of what was built. */
function buildServer() {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
}

/**
 * One process, and another one in its place when a schedule has no end or takes the process with it.
 * @param {number} index
 */
async function work(index) {
  sums[index] = {
    next: firstSeed + index,
    schedules: 0,
    passes: 0,
    refusals: 0,
    everywhere: 0,
    logins: 0,
  };
  const last = firstSeed + schedules;
  for (let from = firstSeed + index; from < last && !stopping; ) {
    const before = { ...sums[index] };
    const stuckAt = await run(index, from, before, last);
    if (stuckAt === null || stopping) return;
    failed(stuckAt, '?', 'it had no end, or ended the process');
    from = stuckAt + workers;
  }
}

/**
 * @param {number} index
 * @param {number} from
 * @param {Sum} before
 * @param {number} last
 * @returns {Promise<number | null>} the seed at which it got stuck; null when it came to the end
 */
function run(index, from, before, last) {
  return new Promise((resolve) => {
    const args = [folder, String(from), String(workers), String(last)];
    const child = fork(join(root, 'tools/nightly/worker.mjs'), args);
    children[index] = child;
    let next = from;
    let done = false;
    let timer = setTimeout(() => child.kill('SIGKILL'), STUCK_MS);
    child.on('message', (/** @type {any} */ message) => {
      if (message.kind === 'broken') {
        failed(message.seed, message.theme, message.what);
        return;
      }
      next = message.next;
      done = message.done === true;
      sums[index] = {
        next,
        schedules: before.schedules + message.schedules,
        passes: before.passes + message.passes,
        refusals: before.refusals + message.refusals,
        everywhere: before.everywhere + message.everywhere,
        logins: before.logins + message.logins,
      };
      clearTimeout(timer);
      timer = setTimeout(() => child.kill('SIGKILL'), STUCK_MS);
    });
    child.on('exit', () => {
      clearTimeout(timer);
      resolve(done ? null : next);
    });
  });
}

/**
 * @param {number} seed
 * @param {string} theme
 * @param {string} what
 */
function failed(seed, theme, what) {
  broken += 1;
  if (broken > MOST_PRINTED) return;
  console.log(`BROKEN at seed ${seed} (${theme}): ${what}`);
  console.log(
    `  again: SEKISHO_SEED=${seed} npx vitest run --project node test/revocation/simulation.test.ts`,
  );
}

function progressLine() {
  /** @param {'schedules' | 'passes' | 'refusals' | 'everywhere' | 'logins'} key */
  const total = (key) => sums.reduce((sum, one) => sum + one[key], 0);
  const seconds = (performance.now() - startedMs) / 1000;
  const rate = total('schedules') / seconds;
  return [
    `${total('schedules')} schedules in ${Math.round(seconds)} s (${rate.toFixed(0)} a second)`,
    `${total('passes')} passes`,
    `${total('refusals')} refusals`,
    `${total('everywhere')} times everywhere`,
    `${total('logins')} logins`,
    `${broken} broken`,
  ].join(', ');
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} least
 */
function wholeNumber(name, text, least) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  console.error(`--${name} takes a whole number from ${least} on.`);
  process.exit(2);
}
