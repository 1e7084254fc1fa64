import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { COMMAND, freshDirectory } from './process.ts';

/** Everything that a process has loaded, its threads too. */
export interface Loaded {
  /** Names, in order. */
  readonly packages: readonly string[];
  /** Of Sekisho, relative to dist/. */
  readonly files: readonly string[];
}

export interface Loading {
  /** For the process: V8 writes down every script that it has compiled when the process ends by itself. */
  readonly settings: Readonly<Record<string, string>>;
  /** What it was. Throws when the process has not ended by itself. */
  read(): Loaded;
}

/** Looks what one process loads. */
export function watchLoading(): Loading {
  const directory = freshDirectory();
  return {
    settings: { NODE_V8_COVERAGE: directory },
    read() {
      const urls = readdirSync(directory).flatMap((name) => {
        const { result } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as {
          readonly result: readonly { readonly url: string }[];
        };
        return result.map(({ url }) => url);
      });
      if (urls.length === 0) throw new Error('the process has not ended by itself');
      return { packages: inOrder(urls.map(packageOf)), files: inOrder(urls.map(fileOf)) };
    },
  };
}

const DIST = new URL('..', pathToFileURL(COMMAND)).href;

function packageOf(url: string): string | null {
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? null;
}

function fileOf(url: string): string | null {
  return url.startsWith(DIST) ? url.slice(DIST.length) : null;
}

function inOrder(names: readonly (string | null)[]): readonly string[] {
  return [...new Set(names)].filter((name) => name !== null).sort();
}
