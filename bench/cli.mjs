// What a command line costs, as a ratio to Node that does nothing, of the same run: `sekisho --help`, and a command that a
// running server answers over its control socket. Processor time is what counts on a machine that does other work.
//
//   npm run bench:cli             11 rounds
//   npm run bench:cli -- 3        3 rounds
//
// Each figure of each round is of a process of its own, all kinds in turn. Printed are medians with the best and the worst;
// each process tells its own processor time, of all threads, when it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

const rounds = Number(process.argv[2] ?? 11);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error('usage: npm run bench:cli -- [rounds ≥ 1]');
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'sekisho-bench-'));
try {
  await compare();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function compare() {
  const teller = join(directory, 'teller.cjs');
  writeFileSync(
    teller,
    "const { writeSync } = require('node:fs');\nprocess.on('exit', () => writeSync(3, JSON.stringify(process.cpuUsage())));\n",
  );
  const dataDir = join(directory, 'data');
  const server = await startServer(dataDir);
  /** @type {Readonly<Record<string, readonly string[]>>} */
  const kinds = {
    'node -e 0': ['-e', '0'],
    'sekisho --help': [COMMAND, '--help'],
    'sekisho tenant list': [COMMAND, 'tenant', 'list', '--data-dir', dataDir],
  };
  /** @type {Record<string, number[]>} */
  const seen = {};
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, args] of Object.entries(kinds)) {
        seen[name] = [...(seen[name] ?? []), await processorMs(['--require', teller, ...args])];
      }
    }
  } finally {
    await server.stop();
  }
  const bare = median(seen['node -e 0'] ?? []);
  console.log(`a command line, ${rounds} rounds, processor time, median (best to worst)`);
  for (const [name, times] of Object.entries(seen)) {
    console.log(
      `  ${name.padEnd(20)} ${spread(times)}, ${(median(times) / bare).toFixed(2)} of Node`,
    );
  }
}

/** Of one process, in milliseconds. @param {readonly string[]} args */
async function processorMs(args) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: environment(),
  });
  let told = '';
  child.stdio[3]?.on('data', (chunk) => {
    told += String(chunk);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with exit code ${code}`);
  const { user, system } = JSON.parse(told);
  return (user + system) / 1000;
}

/** A server on a data directory of its own. @param {string} dataDir */
async function startServer(dataDir) {
  const child = spawn(process.execPath, [COMMAND, 'serve', '--port', '0', '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...environment(), SEKISHO_LOG_LEVEL: 'silent' },
  });
  const ended = once(child, 'close');
  const listening = (async () => {
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (/^listening /m.test(said)) return;
    }
    throw new Error('the server has not started');
  })();
  await listening;
  return {
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Without settings of whoever runs this. */
function environment() {
  const foreign = /^(SEKISHO_|PORT$|HOST$|DATABASE_URL$|REDIS_URL$|NODE_OPTIONS$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** @param {readonly number[]} values in milliseconds */
function spread(values) {
  const text = (/** @type {number} */ ms) => ms.toFixed(0);
  return `${text(median(values))} ms (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
}
