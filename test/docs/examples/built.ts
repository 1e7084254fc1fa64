import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { vi } from 'vitest';
import { environment } from '../../support/process.ts';
import { root } from './blocks.ts';
import type { Ran } from './shell.ts';

type Run = (args: readonly string[], env: NodeJS.ProcessEnv) => Promise<number>;

/** Whether a line is one command with nothing that a shell would have to do. */
export function isPlain(line: string): boolean {
  return /^sekisho [^<>|$;&#]*$/.test(line) && !/^sekisho (serve|backup .*--every)\b/.test(line);
}

/** Carries out a command of the built package in this process, in `folder`: a process each would take most of the time. */
export async function runBuilt(
  line: string,
  folder: string,
): Promise<Ran & { readonly code: number }> {
  const { run } = (await import(pathToFileURL(join(root, 'dist/cli/run.js')).href)) as {
    readonly run: Run;
  };
  const [, ...args] = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
  const printed = { stdout: '', stderr: '' };
  const keep = (name: keyof typeof printed) =>
    vi.spyOn(process[name], 'write').mockImplementation((text, ...more: unknown[]) => {
      printed[name] += String(text);
      const written = more.at(-1);
      if (typeof written === 'function') written();
      return true;
    });
  const kept = [keep('stdout'), keep('stderr')];
  const before = process.cwd();
  process.chdir(folder);
  try {
    const code = await run(args, environment());
    return { code, ...printed };
  } finally {
    process.chdir(before);
    for (const one of kept) one.mockRestore();
  }
}
