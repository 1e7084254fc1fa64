import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { cleanUp, environment, freshDirectory, sekisho } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const PASSWORD = 'seven green bicycles';

afterEach(cleanUp);

/** The block of the README that begins with `// name`. */
function example(name: string): string {
  const block = new RegExp(`\`\`\`ts\\n// ${name.replace('.', '\\.')}\\n(.*?)\`\`\``, 's').exec(
    readme,
  )?.[1];
  if (block === undefined) throw new Error(`README.md has no example ${name}`);
  return block;
}

/** A project beside the checkout, with `sekisho` and what the example imports installed. */
function projectWith(source: string): string {
  const project = freshDirectory();
  const modules = join(project, 'node_modules');
  mkdirSync(modules);
  symlinkSync(root, join(modules, 'sekisho'));
  for (const name of ['hono', 'express', '@hono/node-server']) {
    const link = join(modules, name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
  writeFileSync(join(project, 'app.mjs'), source);
  return project;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Repeats `call` while nobody listens yet and `app` lives: a busy machine takes minutes to make a database. */
async function whenListening(
  app: ChildProcess,
  said: () => string,
  call: () => Promise<Response>,
): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const ended = app.exitCode ?? app.signalCode;
      if (ended !== null || attempt >= 2_400) {
        const how = ended === null ? 'runs, and does not listen' : `ended with ${ended}`;
        throw new Error(`the example ${how}; it said: ${said()}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

describe('the README tells the truth (A5)', () => {
  for (const name of ['fetch.ts', 'express.ts']) {
    test(`its ten lines of ${name} protect a route`, { timeout: 420_000 }, async () => {
      const source = example(name);
      expect(source.trim().split('\n').length).toBeLessThanOrEqual(11);
      const port = await freePort();
      const project = projectWith(source.replace('3000', String(port)));
      const app = spawn(process.execPath, ['app.mjs'], {
        cwd: project,
        env: environment(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [app.stdout, app.stderr]) {
        stream.on('data', (chunk) => {
          said += chunk;
        });
      }
      const origin = `http://127.0.0.1:${port}`;
      try {
        const refused = await whenListening(
          app,
          () => said,
          () => fetch(`${origin}/orders`),
        );
        expect(refused.status, said).toBe(401);
        expect(refused.headers.get('www-authenticate')).toBe('Bearer');
        expect(await refused.json()).toMatchObject({ code: 'credentials_required' });

        const made = await sekisho(
          [
            'tenant',
            'create',
            'acme',
            '--admin-email',
            'you@example.com',
            '--data-dir',
            join(project, '.sekisho'),
          ],
          {},
          `${PASSWORD}\n`,
        );
        expect(made.code, made.stderr).toBe(0);
        const login = await fetch(`${origin}/v1/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            tenant: 'acme',
            email: 'you@example.com',
            password: PASSWORD,
            device: 'PC',
          }),
        });
        expect(login.status, said).toBe(200);
        const { access_token: token } = (await login.json()) as { access_token: string };
        const answered = await fetch(`${origin}/orders`, {
          headers: { authorization: `Bearer ${token}` },
        });
        expect(answered.status, said).toBe(200);
        expect(await answered.json()).toEqual({ tenant: expect.any(String) });
      } finally {
        if (app.exitCode === null && app.signalCode === null) {
          const exit = once(app, 'exit');
          app.kill('SIGKILL');
          await exit;
        }
      }
    });
  }
});
