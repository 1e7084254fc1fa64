import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import { eventually } from './cluster.ts';
import { stopped } from './node-faults.ts';

/** A way in which a node stands still. */
export interface Stall {
  readonly node: ClusterNode;
  /** Settings with which the node must be started for it. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when it stands still. */
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** The whole process: SIGSTOP, SIGCONT. */
export function standing(node: ClusterNode): Stall {
  return {
    node,
    env: {},
    begin: () => stopped(node),
    async end() {
      node.continue();
    },
  };
}

/**
 * Its event loop only, in one synchronous block, while its other threads and the system go on: a module that is loaded
 * before everything else blocks it on a signal, until a file is gone (or for a minute).
 */
export function blockable(node: ClusterNode, folder: string): Stall {
  const module = join(folder, 'block.mjs');
  const hold = join(folder, 'hold');
  const held = join(folder, 'held');
  writeFileSync(
    module,
    `import { existsSync, rmSync, writeFileSync } from 'node:fs';
process.on('SIGUSR2', () => {
  const [hold, held] = ${JSON.stringify([hold, held])};
  const deadline = performance.now() + 60_000;
  writeFileSync(held, '');
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(hold) && performance.now() < deadline) Atomics.wait(nothing, 0, 0, 2);
  rmSync(held);
});
`,
  );
  return {
    node,
    env: { NODE_OPTIONS: `--import=${pathToFileURL(module).href}` },
    async begin() {
      writeFileSync(hold, '');
      node.signal('SIGUSR2');
      await eventually(`${node.name} is blocked`, () => existsSync(held));
    },
    async end() {
      rmSync(hold);
      await eventually(`${node.name} is not blocked any more`, () => !existsSync(held));
    },
  };
}
