import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { call, cleanUp, environment } from '../support/process.ts';
import { expectAnswer } from './examples/answers.ts';
import { blocksOf, isShell, nameOf, pages, root, unitsOf } from './examples/blocks.ts';
import { runBuilt } from './examples/built.ts';
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

const bodies = blocksOf('docs/http.md')
  .filter(({ lang }) => lang === 'json')
  .map(
    (block) => [[...block.before.matchAll(/^### `(\w+) (\S+)`$/gm)].at(-1), block.text] as const,
  );

test.each(
  bodies.map(([route, text]) => [`${route?.[1]} ${route?.[2]}`, route?.[2] ?? '', text] as const),
)('docs/http.md: the example of %s is taken', async (_route, path, text) => {
  await world.ready();
  const user = 'yuki@acme.example';
  const { access_token: token } = await world.login('acme', user);
  const body = JSON.parse(text) as Record<string, string>;
  if (body.token === '…') {
    const { reset } = await world.operator.resetUser({
      ...{ tenant: 'acme', email: user, password: null, makeAdmin: false },
    });
    body.token = reset?.token ?? '';
  }
  const answer = await call(`${world.server.origin}${path}`, { token, body, method: 'POST' });
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 });
});

test('docs/audit.md: a checkpoint is a line of the log, as it is shown', async () => {
  await world.ready();
  await world.operator.checkpointAudit({ tenant: null, all: true });
  const [shown] = blocksOf('docs/audit.md').filter(({ text }) => text.startsWith('{"level"'));
  const { msg, ...members } = JSON.parse(shown?.text ?? '{}') as Record<string, unknown>;
  const said = world.log.split('\n').find((line) => line.includes(`"msg":"${msg}"`));
  const { msg: _, ...line } = JSON.parse(said ?? '{}') as Record<string, unknown>;
  expect(Object.keys(line).sort()).toEqual(Object.keys(members).sort());
});

test('docs/audit.md: a report of verify has the members that are shown', async () => {
  await world.ready();
  const [shown] = blocksOf('docs/audit.md').filter(({ text }) => text.startsWith('{"ok"'));
  const { code, stdout } = await runBuilt('sekisho audit verify --json', world.folder);
  expect(code).toBe(0);
  const [is, said] = [stdout, shown?.text ?? ''].map((text) => {
    const report = JSON.parse(text) as { trails: readonly object[] };
    return [Object.keys(report).sort(), Object.keys(report.trails[0] ?? {}).sort()];
  });
  expect(said).toEqual(is);
});

test('docs/model.md: the schedule that breaks a promise is the one that is shown', () => {
  const [shown] = blocksOf('docs/model.md').filter(({ text }) => text.startsWith('node 0 beats'));
  const steps = shown?.text.trim().split('\n') ?? [];
  const { status, stdout } = spawnSync(process.execPath, ['tools/model.mjs', 'FIRST_TERM'], {
    cwd: root,
    encoding: 'utf8',
    env: environment(),
  });
  expect(status).toBe(0);
  const printed = stdout.split('\n').map((line) => line.trim());
  const names = steps.map((line) => line.trim().replace(/ {2,}.*$/, ''));
  expect(names.length).toBeGreaterThan(5);
  for (const name of names)
    expect(printed.some((line) => name.startsWith(line) && line !== '')).toBe(true);
});
