import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { instructionsOf, knownVariables, present, read } from './files.ts';

const instructions = instructionsOf(read('deploy/Containerfile'));
const all = (name: string) => instructions.filter((one) => one.name === name);
const last = (name: string) => all(name).at(-1)?.rest ?? '';
const manifest = JSON.parse(read('package.json')) as {
  readonly bin: { readonly sekisho: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly files: readonly string[];
};

/** Instructions by stage: the name of each, and what stands in it. */
const stages: { name: string; base: string; steps: (typeof instructions)[number][] }[] = [];
for (const one of instructions) {
  const [base = '', , name = 'final'] = one.rest.split(/\s+/);
  if (one.name === 'FROM') stages.push({ name, base, steps: [] });
  else stages.at(-1)?.steps.push(one);
}
const final = stages.at(-1);

const environment = Object.fromEntries(
  (final?.steps ?? [])
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ rest }) => rest.split(/\s+/))
    .map((pair) => pair.split('=') as [string, string]),
);

describe('A11 the container file', () => {
  test('has stages, of which the last one has neither sources nor tools', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'dependencies', 'final']);
    for (const { base } of stages) expect(base).toBe(`node:${'$'}{NODE}`);
    const [, major = ''] = /NODE=(\d+)/.exec(last('ARG')) ?? [];
    expect(Number(major)).toBeGreaterThanOrEqual(20);
    const copied = (final?.steps ?? []).filter(({ name }) => name === 'COPY');
    expect(copied.map(({ rest }) => rest.split(' ').at(-1))).toEqual([
      'node_modules',
      './',
      'dist',
    ]);
  });

  test('copies what is there, and what the context may contain', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copies = all('COPY').map(({ rest }) => rest.split(/\s+/));
    const fromContext = copies.filter(([first]) => !first?.startsWith('--from='));
    expect(fromContext.length).toBeGreaterThan(4);
    for (const [source = ''] of fromContext.flatMap((words) =>
      words.slice(0, -1).map((word) => [word]),
    )) {
      expect(present(source), source).toBe(true);
      expect(
        allowed.some((one) => source === one || source.startsWith(`${one}/`)),
        source,
      ).toBe(true);
    }
    for (const path of allowed) expect(present(path), path).toBe(true);
    // What the context leaves out can never get into a layer.
    for (const secret of ['.env', '.sekisho', 'node_modules', '.git']) {
      expect(allowed).not.toContain(secret);
    }
    const names = new Set(stages.map(({ name }) => name));
    for (const [first = ''] of copies.filter(([word]) => word?.startsWith('--from='))) {
      expect(names).toContain(first.slice('--from='.length));
    }
  });

  test('runs scripts that there are, and builds from what they read', () => {
    const run = all('RUN').map(({ rest }) => rest);
    for (const [, script = ''] of run.join('\n').matchAll(/npm run (\S+)/g)) {
      expect(Object.keys(manifest.scripts)).toContain(script);
    }
    const build = manifest.scripts.build ?? '';
    for (const [path] of build.matchAll(/tsconfig\.\S+|tools\/\S+\.mjs/g)) {
      expect(present(path), path).toBe(true);
    }
    expect(run.filter((line) => line.startsWith('npm ci'))).toHaveLength(2);
  });

  test('runs the command as a user without rights, on a root that nobody can write', () => {
    expect(last('USER')).toBe('node');
    expect(JSON.parse(last('ENTRYPOINT'))).toEqual([
      'node',
      posix.join('/app', manifest.bin.sekisho),
    ]);
    expect(JSON.parse(last('CMD'))).toEqual(['serve']);
    expect(last('STOPSIGNAL')).toBe('SIGTERM');
    const steps = final?.steps ?? [];
    const asRoot = steps.slice(
      0,
      steps.findIndex(({ name }) => name === 'USER'),
    );
    expect(asRoot.map(({ name }) => name)).toContain('VOLUME');
    expect(last('VOLUME')).toBe(environment.SEKISHO_DATA_DIR);
    expect(last('RUN')).toContain(`--owner=node --group=node --mode=0700 ${last('VOLUME')}`);
  });

  test('sets what the server knows, and opens the port of the routes alone', () => {
    const known = knownVariables();
    for (const name of Object.keys(environment)) {
      if (name !== 'NODE_ENV') expect(known).toContain(name);
    }
    expect(last('EXPOSE')).toBe(environment.PORT);
    expect(environment.HOST).toBe('0.0.0.0');
    expect(environment.SEKISHO_ADMIN_HOST).toBe('127.0.0.1');
  });

  test.each([
    [200, 0],
    [503, 1],
    [null, 1],
  ])('its health check takes %s of /readyz for %i', async (status, code) => {
    const asked: string[] = [];
    const server = createServer((req, res) => {
      asked.push(req.url ?? '');
      res.writeHead(status ?? 500).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    if (status === null) server.close();
    const [, , command = '[]'] = /^(--\S+ )+CMD (.*)$/.exec(last('HEALTHCHECK')) ?? [];
    const [, ...args] = JSON.parse(command) as string[];
    const { SEKISHO_ADMIN_HOST } = environment;
    const env = { ...process.env, SEKISHO_ADMIN_HOST, SEKISHO_ADMIN_PORT: String(port) };
    const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
    expect((await once(child, 'close'))[0]).toBe(code);
    expect(asked).toEqual(status === null ? [] : ['/readyz']);
    server.close();
  });

  test('what is no container file is told', () => {
    expect(() => instructionsOf('FORM node\n')).toThrow('not an instruction');
    expect(instructionsOf('# a\nRUN a \\\n  # why\n  && b\n')).toEqual([
      { name: 'RUN', rest: 'a && b' },
    ]);
  });
});
