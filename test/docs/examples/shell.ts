import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { environment } from '../../support/process.ts';
import { isHelp, nameOf, type Unit } from './blocks.ts';
import { isPlain, runBuilt } from './built.ts';
import { ofNodes } from './listed.ts';
import { everywhere, lasting, needs, PATHS } from './words.ts';
import type { World } from './world.ts';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** As long as anything here may take, on a machine with other things to do. */
const STUCK_MS = 180_000;

/** Where a command begins that stays: it takes the shell's place, so that a signal reaches it. */
const STAYING = /(^|\s)((npx )?sekisho (serve|backup)\b)/;

/** A shell that knows what the lines before have exported, as the reader's does. */
export class Shell {
  readonly #world: World;
  readonly #exports: string[] = [];
  readonly #running: {
    readonly unit: Unit;
    readonly child: ChildProcess;
    readonly run: Running;
  }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Runs one line with what it needs, and everything that is only an example in it replaced. It must end with 0; a command
   * that stays, such as `serve`, must say that it is ready, and stays until `end`.
   */
  async run(unit: Unit): Promise<Ran> {
    await this.#world.ready();
    const line = await this.#filled(unit.text);
    if (/^export /.test(line)) {
      this.#exports.push(line);
      return { stdout: '', stderr: '' };
    }
    const stays = lasting.find(({ line: which }) => which.test(line));
    if (isPlain(line) && isHelp(unit.block)) {
      let run = await runBuilt(line, this.#world.folder);
      if (asks(run)) run = await runBuilt(`${line} --yes`, this.#world.folder);
      if (!isDone(run.code, line))
        throw new Error(this.#failure(unit, line, `ended with ${run.code}`, run));
      return run;
    }
    if (stays === undefined) {
      let run = this.#start(line, unit.block.page);
      let code = await within(run.closed, `${line} has no end`, run);
      if (asks(run)) {
        run = this.#start(line.replace(/ *(#.*)?$/, ' --yes'), unit.block.page);
        code = await within(run.closed, `${line} has no end`, run);
      }
      if (!isDone(code, line))
        throw new Error(this.#failure(unit, line, `ended with ${code}`, run));
      if (/"\$SERVER"/.test(unit.text)) await this.#world.server.exited;
      return run;
    }
    const run = this.#start(
      line.replace(/ *& *$/, '').replace(STAYING, '$1exec $2'),
      unit.block.page,
    );
    this.#running.push({ unit, child: run.child, run });
    const ready = (async () => {
      while (!stays.ready(run.stdout, this.#world)) {
        if (run.ended())
          throw new Error(this.#failure(unit, line, 'ended before it was ready', run));
        await new Promise((done) => setTimeout(done, 50));
      }
    })();
    await within(ready, `${line} is never ready`, run);
    return run;
  }

  /** Ends what has stayed; each must end with 0. */
  async end(): Promise<void> {
    for (const { unit, child, run } of this.#running.splice(0)) {
      child.kill('SIGTERM');
      const code = await within(run.closed, 'it does not end', run);
      if (code !== 0)
        throw new Error(this.#failure(unit, unit.text, `SIGTERM: ended with ${code}`, run));
    }
  }

  /** With what the server said of it, where it is to blame. */
  #failure(unit: Unit, line: string, what: string, { stdout, stderr }: Ran): string {
    const errors = this.#world.log.split('\n').filter((one) => one.includes('"level":"error"'));
    return [
      ...[nameOf(unit), `  run as: ${line}`, `  ${what}`],
      ...[stdout.slice(-2000), stderr.slice(-2000), ...errors.slice(-3)],
    ].join('\n');
  }

  async #filled(text: string): Promise<string> {
    let line = text;
    for (const { line: which, make } of needs) {
      if (!which.test(text)) continue;
      for (const [placeholder, by] of (await make(this.#world, line)) ?? []) {
        line = line.replace(placeholder, () => by);
      }
    }
    for (const [shown, is] of this.#world.addresses()) line = line.replaceAll(shown, () => is);
    for (const [placeholder, by] of everywhere) line = line.replaceAll(placeholder, by);
    return line.replaceAll(PATHS, `${this.#world.folder}/`);
  }

  #start(line: string, page: string): Running {
    const { folder, services } = this.#world;
    const child = spawn('bash', ['-c', ['set -euo pipefail', ...this.#exports, line].join('\n')], {
      cwd: folder,
      env: environment({
        PATH: [this.#world.at('bin'), ...(services ? [services.path] : []), process.env.PATH].join(
          ':',
        ),
        CURL_HOME: folder,
        ...(ofNodes.includes(page) ? this.#world.ofNodes : {}),
        // Where the line says neither, it speaks of the server that runs; a server of its own is elsewhere.
        ...(/sekisho (serve|restore)\b/.test(line)
          ? { SEKISHO_DATA_DIR: this.#world.at('var/lib/sekisho'), PORT: '0' }
          : {}),
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Running(child);
  }
}

/** In the first term of another history nothing is said to be everywhere (RESTORE): such a command ends with 3. */
function isDone(code: number | string, line: string): boolean {
  return code === 0 || (code === 3 && /sekisho ops restored\b/.test(line));
}

/** Whether it wanted to ask whoever sits at a terminal; scripts, which read JSON, say `--yes` in the example. */
function asks({ stdout, stderr }: Ran): boolean {
  return stdout === '' && /^sekisho: .*Say so with --yes$/m.test(stderr);
}

class Running implements Ran {
  readonly child: ChildProcess;
  readonly closed: Promise<number | string>;
  stdout = '';
  stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk) => {
      this.stdout += String(chunk);
    });
    child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.closed = once(child, 'close').then(([code, by]: unknown[]) => (code ?? by) as number);
  }

  ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}

async function within<Result>(wait: Promise<Result>, what: string, run: Running): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      run.child.kill('SIGKILL');
      reject(new Error(`${what}\n${run.stdout}${run.stderr}`));
    }, STUCK_MS);
  });
  try {
    return await Promise.race([wait, stuck]);
  } finally {
    clearTimeout(timer);
  }
}
