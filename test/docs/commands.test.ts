import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cleanUp } from '../support/process.ts';
import { blocksOf, isHelp, nameOf, unitsOf } from './examples/blocks.ts';
import { needsServices } from './examples/listed.ts';
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

/** As `sekisho --help` and the like print them: npm run check:docs holds docs/commands.md against the commands. */
const examples = blocksOf('docs/commands.md')
  .filter(isHelp)
  .flatMap(unitsOf)
  .filter(({ block, text }) => !needsServices(block, text));

describe('A8 every example in the help of a command does what it says', () => {
  test.each(examples.map((unit) => [nameOf(unit), unit] as const))('%s', async (_name, unit) => {
    const shell = new Shell(world);
    const { stdout } = await shell.run(unit);
    if (/ --json$/.test(unit.text)) expect(JSON.parse(stdout)).toBeTypeOf('object');
    await shell.end();
  });
});
