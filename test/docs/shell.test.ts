import { afterAll, beforeAll, test, vi } from 'vitest';
import { cleanUp } from '../support/process.ts';
import { expectAnswer } from './examples/answers.ts';
import { blocksOf, isShell, nameOf, pages, unitsOf } from './examples/blocks.ts';
import { isAnswer, isListed, needsServices } from './examples/listed.ts';
import { Shell } from './examples/shell.ts';
import { World } from './examples/world.ts';

vi.setConfig({ testTimeout: 420_000, hookTimeout: 420_000 });

let world: World;
beforeAll(async () => {
  world = new World(null);
  await world.ready();
});
afterAll(async () => {
  await world?.close();
  await cleanUp();
});

for (const page of pages) {
  const blocks = blocksOf(page);
  for (const [at, block] of blocks.entries()) {
    if (!isShell(block) || needsServices(block, block.text)) continue;
    const units = unitsOf(block).filter((unit) => !isListed(unit));
    const [first] = units;
    if (first === undefined) continue;
    test(`what ${nameOf(first)} says is so`, async () => {
      const shell = new Shell(world);
      let printed = '';
      for (const unit of units) printed += (await shell.run(unit)).stdout;
      await shell.end();
      const next = blocks[at + 1];
      if (next !== undefined && isAnswer(next, block)) expectAnswer(next, printed);
    });
  }
}
