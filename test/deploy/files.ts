import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Whether a file or folder of the repository is there. */
export function present(path: string): boolean {
  return existsSync(join(root, path));
}

/** Every environment variable that the server knows. */
export function knownVariables(): ReadonlySet<string> {
  const sources = read('src/config.ts') + read('src/cli/settings.ts');
  const names = sources.match(
    /\b(?:SEKISHO_[A-Z][A-Z_]*[A-Z]|DATABASE_URL|REDIS_URL|PORT|HOST)\b/g,
  );
  return new Set(names ?? []);
}

/** One instruction of a container file, its lines joined. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** What every instruction of the format is called. */
const INSTRUCTIONS = new Set(
  `ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME
  WORKDIR`.split(/\s+/),
);

/** @throws Error for what is no container file. */
export function instructionsOf(text: string): readonly Instruction[] {
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\s*\\\s*\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^([A-Z]+)\s+(\S.*)$/.exec(line) ?? [];
      if (!INSTRUCTIONS.has(name)) throw new Error(`not an instruction: ${line}`);
      return { name, rest };
    });
}
