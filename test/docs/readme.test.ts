import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../tools/services/ports.mjs';
import { COMMAND, cleanUp, environment, freshDirectory } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

afterEach(cleanUp);

/** The block of the README that begins with `// name`. */
function example(name: string): string {
  const block = new RegExp(`\`\`\`ts\\n// ${name.replace('.', '\\.')}\\n(.*?)\`\`\``, 's').exec(
    readme,
  )?.[1];
  if (block === undefined) throw new Error(`README.md has no example ${name}`);
  return block;
}

/** What the README has installed, by the name of an example: all that is on an `npm install` line, and its dependencies. */
function installedFor(name: string): readonly string[] {
  const lines = [...readme.matchAll(/npm install ([^\n`]+)/g)].map(([, names = '']) =>
    names.split(' '),
  );
  const [first = []] = lines;
  const [own, ...others] = first.map((one) => (one.endsWith('.tgz') ? 'sekisho' : one));
  expect(own).toBe('sekisho');
  return ['sekisho', ...(name.startsWith('express') ? (lines[1] ?? []) : others)];
}

/** An empty folder in which somebody has done what the README says. Packages are those of the checkout. */
function projectWith(name: string, source: string): string {
  expect(readme).toContain('npm init -y && npm install ');
  const project = freshDirectory();
  const init = spawnSync('npm', ['init', '-y'], { cwd: project, encoding: 'utf8' });
  expect(init.status, init.stderr).toBe(0);
  for (const one of installedFor(name)) {
    const link = join(project, 'node_modules', one);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(one === 'sekisho' ? root : join(root, 'node_modules', one), link);
  }
  writeFileSync(join(project, name), source);
  return project;
}

/** A tenant, a login, the route: the lines of the README below the two programs. */
function linesOfTheBlock(): readonly string[] {
  const [, block = ''] = /^```sh\n(echo .*?)^```/ms.exec(readme) ?? [];
  const lines = block
    .replaceAll(/\\\n\s*/g, '')
    .trim()
    .split('\n');
  expect(lines).toHaveLength(3);
  return lines;
}

/** What a line prints, in the project; it must end with 0. */
async function shell(line: string, cwd: string, origin: string): Promise<string> {
  const here = line
    .replace('localhost:3000', origin)
    .replace('npx sekisho', `'${process.execPath}' '${COMMAND}'`);
  const child = spawn('bash', ['-euo', 'pipefail', '-c', here], {
    cwd,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [printed, complained] = ['', ''];
  child.stdout.on('data', (chunk) => {
    printed += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    complained += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, complained).toBe(0);
  return printed;
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

/** The blocks of a page, without comments, which are in its language. */
function codeOf(page: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```(?:sh|ts)\n(.*?)^```/gms)].map(([, code = '']) =>
    code.replaceAll(/ +(#|\/\/) .*$/gm, ''),
  );
}

test('README.ja.md has the programs and commands of README.md', () => {
  expect(codeOf('README.ja.md')).toEqual(codeOf('README.md'));
  expect(codeOf('README.md').length).toBeGreaterThan(4);
});

describe('the README tells the truth (A5)', () => {
  for (const name of ['fetch.mjs', 'express.mjs']) {
    test(`its ten lines of ${name} protect a route`, { timeout: 420_000 }, async () => {
      const source = example(name);
      expect(source.trim().split('\n').length).toBeLessThanOrEqual(11);
      const port = await freePort();
      expect(readme).toContain(`node ${name}`);
      const project = projectWith(name, source.replace('3000', String(port)));
      const app = spawn(process.execPath, [name], {
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

        const [made = '', login = '', ask = ''] = linesOfTheBlock();
        const out = (line: string) => shell(line, project, origin);
        await out(made);
        const { access_token: token } = JSON.parse(await out(login)) as { access_token: string };
        const answered = await out(ask.replace('ACCESS_TOKEN', token));
        expect(JSON.parse(answered)).toEqual({ tenant: expect.any(String) });
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
