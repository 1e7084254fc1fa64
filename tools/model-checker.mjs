/**
 * Checks model/revocation.pml with Spin: generates the checker in C, compiles it, runs it to its end
 * with bounded memory and time, and reads what it says. docs/model.md says what it means.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findOrInstall } from './services/debian.mjs';
import { startGuarded } from './services/guarded.mjs';

const run = promisify(execFile);
const modelFile = fileURLToPath(new URL('../model/revocation.pml', import.meta.url));
const compileTimeoutMs = 120_000;
/** Steps from the start; far more than there are, and the checker says when it was too few. */
const maxDepth = 1_000_000;

/** What is promised, each looked at in every state that can be reached. */
export const promises = [
  { name: 'early return', options: [] },
  { name: 'bound', options: ['-DBOUND'] },
];

/** Rules of which each is left out once, and must be missed. Names are those in the model. */
export const rules = [
  'MEMBERS_AFTER_COMMIT',
  'COVER',
  'STAMP_BEFORE_SENDING',
  'ROW_BEFORE_PROOF',
  'GAPS',
  'SILENCE',
  'TOLERANCE',
  'CONFIRMATION',
  'GENERATION',
  'FIRST_TERM',
  'LINEAGE_OF_VIEWS',
  'LINEAGE_OF_TOKENS',
  'HAND_IN',
];

/**
 * @typedef {object} Checked
 * @property {number} errors
 * @property {boolean} complete every state that can be reached was looked at
 * @property {number} states
 * @property {number} unreached statements of the model that no run comes to
 * @property {number} seconds
 * @property {string[]} schedule the steps to the first violation, when there is one
 * @property {string} output of the checker
 */

/**
 * @param {string[]} options of the preprocessor: `-DWITHOUT_…`, `-DBOUND`
 * @param {{ shortest?: boolean, memoryMb?: number, timeoutMs?: number }} [how] `shortest` looks for the
 *   shortest way to a violation, which takes more memory where there is none
 * @returns {Promise<Checked>}
 */
export async function check(
  options,
  { shortest = false, memoryMb = 3000, timeoutMs = 600_000 } = {},
) {
  const { spin, cc } = checkers();
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-model-'));
  const bounded = { cwd: folder, timeout: compileTimeoutMs };
  try {
    await run(spin, [...options, '-a', modelFile], bounded);
    await run(
      cc,
      [
        ...[shortest ? '-O0' : '-O2', '-w', '-DSAFETY', '-DNOFAIR', `-DMEMLIM=${memoryMb}`],
        ...(shortest ? ['-DBFS'] : []),
        ...['-o', 'pan', 'pan.c'],
      ],
      bounded,
    );
    const began = performance.now();
    const output = await runChecker(folder, timeoutMs);
    const seconds = (performance.now() - began) / 1000;
    const errors = Number(/errors: (\d+)/.exec(output)?.[1] ?? Number.NaN);
    return {
      errors,
      complete:
        errors === 0 && !/Search not completed|too small|Bit statespace|hash-compact/i.test(output),
      states: Math.round(Number(/^\s*([\d.e+]+) states, stored/m.exec(output)?.[1] ?? 0)),
      // The end of the one process, which goes on for ever, is not counted.
      unreached: Number(/\((\d+) of \d+ states\)/.exec(output)?.[1] ?? Number.NaN) - 1,
      seconds,
      schedule: errors > 0 ? await scheduleIn(folder, spin, options) : [],
      output,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Memory is bounded by the checker itself; time here, and by the end of this process. @param {string} folder @param {number} timeoutMs */
async function runChecker(folder, timeoutMs) {
  const logFile = join(folder, 'log');
  const checker = await startGuarded({
    ...{ command: join(folder, 'pan'), args: [`-m${maxDepth}`], cwd: folder, logFile },
    stopSignal: 'SIGKILL',
  });
  const timer = setTimeout(() => checker.kill('SIGKILL'), timeoutMs);
  await checker.exited;
  clearTimeout(timer);
  return readFileSync(logFile, 'utf8');
}

/** @param {string} folder @param {string} spin @param {string[]} options */
async function scheduleIn(folder, spin, options) {
  const trail = join(folder, 'revocation.pml.trail');
  const { stdout } = await run(spin, [...options, '-t', '-k', trail, modelFile], {
    cwd: folder,
    timeout: compileTimeoutMs,
  }).catch((/** @type {{ stdout: string }} */ violated) => violated);
  return stdout
    .split('\n')
    .map((line) => line.trimEnd().replace(/^ {6}/, ''))
    .filter((line) => /^(node \d|login|failover|a tick|the members| {2}everywhere)/.test(line));
}

function checkers() {
  const advice = 'install Spin and a C compiler (Debian: apt-get install spin gcc libc6-dev)';
  return {
    spin: findOrInstall('spin', { packages: ['spin'], advice }),
    cc: findOrInstall('gcc', { packages: ['gcc', 'libc6-dev'], advice }),
  };
}
