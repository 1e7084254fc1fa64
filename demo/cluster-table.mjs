/** The live table of the nodes: redrawn in place on a terminal; elsewhere it is printed when it is asked for. */

const live = process.stdout.isTTY === true;
const redrawMs = 250;
const width = 78;

/** @typedef {import('../tools/cluster/node.mjs').ClusterNode} ClusterNode */

/**
 * @typedef {object} Table
 * @property {(text: string) => void} status the line below the nodes
 * @property {(print: () => void) => void} above prints something above the table
 * @property {() => Promise<void>} show prints it once, where nothing is redrawn
 * @property {() => void} stop leaves it as it is
 */

/** @param {() => readonly ClusterNode[]} nodes @returns {Table} */
export function startTable(nodes) {
  let status = '';
  let drawn = 0;
  let stopped = false;
  /** @type {string[]} */
  let rows = [];

  const erase = () => {
    if (drawn > 0) process.stdout.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = () => {
    erase();
    const lines = ['', ...rows, status].map((line) => line.slice(0, width));
    process.stdout.write(`${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  const read = async () => {
    rows = [heading, ...(await Promise.all(nodes().map(rowOf)))];
  };
  const follow = async () => {
    while (!stopped) {
      await read();
      if (!stopped) draw();
      await new Promise((resolve) => setTimeout(resolve, redrawMs));
    }
  };
  if (live) void follow();
  return {
    status(text) {
      status = `  ${text}`;
    },
    above(print) {
      erase();
      print();
      if (live && rows.length > 0) draw();
    },
    async show() {
      if (live) return;
      await read();
      console.log(rows.join('\n'));
    },
    stop() {
      stopped = true;
      drawn = 0;
    },
  };
}

const columns = /** @type {const} */ ([
  ['node', 8],
  ['answers', 12],
  ['lease left', 11],
  ['lag', 5],
  ['position', 9],
  ['heartbeat', 10],
  ['Redis', 8],
]);

/** @param {readonly string[]} cells */
const line = (cells) =>
  `  ${cells.map((cell, index) => cell.padEnd(columns[index]?.[1] ?? 0)).join(' ')}`.trimEnd();
const heading = line(columns.map(([name]) => name));

/** @param {ClusterNode} node */
async function rowOf(node) {
  const metrics = await node.metrics();
  if (metrics === null) return line([node.name, 'does not answer']);
  const figure = (/** @type {string} */ name) => metrics.get(`sekisho_${name}`) ?? Number.NaN;
  const applied = figure('view_applied_position');
  const ms = (/** @type {string} */ name) => `${Math.round(figure(name) * 1000)} ms`;
  return line([
    node.name,
    figure('answers_fresh') === 1 ? 'fresh' : 'not fresh',
    ms('lease_left_seconds'),
    String(Math.max(0, figure('log_head_position') - applied)),
    String(applied),
    ms('heartbeat_duration_seconds'),
    figure('hub_working') === 1 ? 'works' : 'silent',
  ]);
}
