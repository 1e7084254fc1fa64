import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'src/hub/redis');

/** Every text of the Redis hub, by its path. */
function texts(): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|lua)$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

it('the line of docs/redis.md allows every command that scripts and verbs use, and no more than 40', () => {
  const line =
    /^user sekisho .*$/m.exec(readFileSync(join(root, 'docs/redis.md'), 'utf8'))?.[0] ?? '';
  const allowed = new Set([...line.matchAll(/\+([a-z|]+)/g)].map(([, command]) => command));
  const used = texts().flatMap((text) =>
    [...text.matchAll(/(?:redis\.p?call\(\s*['"]|\bcommands\s*\.)(\w+)['"(]/g)].map(
      ([, command = '']) => command.toLowerCase(),
    ),
  );
  const methods = new Set(['on', 'nodes', 'disconnect', 'pipeline', 'scanstream']);
  expect(used).toContain('evalsha');
  expect([...new Set(used)].filter((name) => !methods.has(name) && !allowed.has(name))).toEqual([]);
  expect(allowed.size).toBeLessThanOrEqual(40);
  expect(line).not.toMatch(/\+@|allkeys|allchannels|allcommands|nopass/);
});
