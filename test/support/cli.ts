import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { run } from '../../src/cli/run.ts';
import {
  answerCommands,
  commandsOf,
  type OperatorCommands,
} from '../../src/create/operator-commands.ts';
import { lockDirectory } from '../../src/record/pglite/directory-lock.ts';
import { startTestEngine, type TestEngine, type TestEngineOptions } from './engine.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
  readonly json: any;
}

/** Carries out a command line in this process, and keeps what it prints. */
export async function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text, ...more: unknown[]) => {
    stdout += String(text);
    const written = more.at(-1);
    if (typeof written === 'function') written();
    return true;
  });
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  try {
    const code = await run(args, env);
    const line = args.includes('--json') ? stdout || stderr : '';
    return { code, stdout, stderr, json: line === '' ? null : JSON.parse(line) };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

/** An engine behind the control socket of a data directory, as `sekisho serve` has it, without a process of its own. */
export interface Operated {
  readonly engine: TestEngine;
  /** Runs a command on that directory. */
  run(...args: readonly string[]): Promise<Ran>;
  close(): Promise<void>;
}

/** @param wrap what the socket answers with, where a test makes a verb fail. */
export async function startOperated(
  wrap: (commands: OperatorCommands) => OperatorCommands = (commands) => commands,
  options: TestEngineOptions = {},
): Promise<Operated> {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-cli-'));
  const engine = await startTestEngine(options);
  const lock = await lockDirectory(directory);
  lock.answer(answerCommands((by) => wrap(commandsOf(engine.engine, by))));
  return {
    engine,
    run: (...args) => runCommand([...args, '--data-dir', directory]),
    async close() {
      await lock.release();
      await engine.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
