import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The command as it is built and published; `npm test` builds it before. */
export const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const children = new Set<ChildProcess>();
const directories = new Set<string>();

/** Ends what the tests of a file started; call it in `afterEach`. */
export async function cleanUp(): Promise<void> {
  const running = [...children].filter(
    ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
  );
  await Promise.all(
    running.map((child) => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      return exit;
    }),
  );
  children.clear();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  directories.clear();
}

/** A directory that `cleanUp` removes. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-test-'));
  directories.add(directory);
  return directory;
}

/**
 * Makes a data directory with the first tenant of `BOOTSTRAP`, by a real start. For `beforeAll`: making a database takes
 * seconds, a `copyOf` it does not. Whoever makes it removes it.
 */
export async function makeTemplate(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-template-'));
  const server = await serve(directory, BOOTSTRAP);
  await server.end('SIGTERM');
  return directory;
}

/** A copy of a data directory that nobody holds; `cleanUp` removes it. */
export function copyOf(template: string): string {
  const directory = freshDirectory();
  // A socket is nothing that could be copied, and the old holder's is nobody's.
  cpSync(template, directory, { recursive: true, filter: (path) => !lstatSync(path).isSocket() });
  return directory;
}

/** The environment without any setting of Sekisho, and with `settings`. */
export function environment(settings: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const foreign = /^(SEKISHO_|PORT$|HOST$|DATABASE_URL$|REDIS_URL$|NODE_OPTIONS$|VITEST)/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(kept), ...settings };
}

/** A process and what it has printed so far. */
export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
}

/** Starts a command. */
export function start(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(process.execPath, [COMMAND, ...args], { env: environment(settings) });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'close').then(
    ([code, by]: unknown[]) => (code ?? by) as number | string,
  );
  return { child, stdout: () => stdout, stderr: () => stderr, exited };
}

export interface Finished {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, with `input` on its standard input. */
export async function sekisho(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Finished> {
  const { child, stdout, stderr, exited } = start(args, settings);
  child.stdin.end(input);
  return { code: await exited, stdout: stdout(), stderr: stderr() };
}

/** A running `sekisho serve`. */
export interface Server {
  readonly child: ChildProcess;
  readonly origin: string;
  readonly operations: string;
  /** Everything on standard output when it was ready, by line. */
  readonly lines: readonly string[];
  readonly stderr: () => string;
  /** The exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** Sends a signal and resolves as `exited`. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

/** Starts `sekisho serve --port 0` on `dataDir` and waits until it is ready. */
export async function serve(
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const { child, stdout, stderr, exited } = start(['serve', '--port', '0', '--data-dir', dataDir], {
    SEKISHO_LOG_LEVEL: 'warn',
    ...settings,
  });
  const ready = new Promise<RegExpExecArray>((resolve, reject) => {
    child.stdout.on('data', () => {
      const found = /^listening (\S+) operations (\S+)$/m.exec(stdout());
      if (found !== null) resolve(found);
    });
    exited.then((how) => reject(new Error(`ended with ${how}:\n${stderr()}`)), reject);
  });
  const [, origin = '', operations = ''] = await ready;
  const lines = stdout().trim().split('\n');
  const end = (signal: NodeJS.Signals): Promise<number | string> => {
    child.kill(signal);
    return exited;
  };
  return { child, origin, operations, lines, stderr, exited, end };
}

/** The first tenant of the tests' servers. */
export const BOOTSTRAP = {
  SEKISHO_BOOTSTRAP_TENANT: 'harbor',
  SEKISHO_BOOTSTRAP_EMAIL: 'mika@harbor.example',
  SEKISHO_BOOTSTRAP_PASSWORD: 'seven-lanterns-at-dusk',
} as const;

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
  readonly body: any;
}

/** Calls a route; `token` as bearer, `body` as JSON. */
export async function call(
  url: string,
  options: { readonly method?: string; readonly token?: string; readonly body?: unknown } = {},
): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`;
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(url, {
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    headers,
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

/** Logs the bootstrap administrator in. */
export function login(
  origin: string,
  password: string = BOOTSTRAP.SEKISHO_BOOTSTRAP_PASSWORD,
): Promise<Answer> {
  const { SEKISHO_BOOTSTRAP_TENANT: tenant, SEKISHO_BOOTSTRAP_EMAIL: email } = BOOTSTRAP;
  return call(`${origin}/v1/login`, { body: { tenant, email, password, device: 'PC' } });
}
