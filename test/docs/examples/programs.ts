import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freshDirectory } from '../../support/process.ts';
import { type Block, blocksOf, root } from './blocks.ts';

/** Whether a block is a program of its own, which programs.test.ts runs. */
export function isProgram({ lang }: Block): boolean {
  return lang === 'ts';
}

/** The programs of a page, by the name in their first line. */
export function programsOf(page: string): Readonly<Record<string, string>> {
  const named = blocksOf(page)
    .filter(isProgram)
    .map(({ text }) => [/^\/\/ ([\w-]+)\.ts\n/.exec(text)?.[1] ?? '', text]);
  return Object.fromEntries(named);
}

/**
 * A project beside the checkout, with `sekisho` and what the examples import installed, and the programs as JavaScript: their
 * types are taken off, nothing else is changed.
 */
export function projectOf(sources: Readonly<Record<string, string>>): string {
  const project = freshDirectory();
  for (const name of ['hono', 'express', 'fastify', 'ws', '@hono/node-server', '@types']) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
  symlinkSync(root, join(project, 'node_modules/sekisho'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  for (const [name, source] of Object.entries(sources)) {
    writeFileSync(join(project, `${name}.ts`), source);
  }
  const compilerOptions = {
    ...{ module: 'nodenext', target: 'es2023', noCheck: true, skipLibCheck: true },
    ...{ types: ['node'], rootDir: '.', noEmitOnError: false },
  };
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['*.ts'], exclude: ['node_modules'] }),
  );
  const compiled = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', project],
    { encoding: 'utf8' },
  );
  if (compiled.status !== 0) throw new Error(`${compiled.stdout}${compiled.stderr}`);
  for (const name of Object.keys(sources)) readFileSync(join(project, `${name}.js`));
  return project;
}
