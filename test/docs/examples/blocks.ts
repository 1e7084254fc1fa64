import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Every page whose examples a reader may copy. */
export const pages: readonly string[] = [
  ...['README.md', 'README.ja.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
];

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** Of its first line of text. */
  readonly line: number;
  /** `sh`, `ts`, …; '' without one. */
  readonly lang: string;
  readonly text: string;
  /** What stands on the page between the block before it and this one. */
  readonly before: string;
}

/** One thing that can be run: a line of a shell block, an example of a command's help, or any other block as a whole. */
export interface Unit {
  readonly block: Block;
  readonly text: string;
}

const FENCE = /^( *)```(\w*)\n(.*?)^\1```$/gms;

export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(root, page), 'utf8');
  let end = 0;
  return [...text.matchAll(FENCE)].map((match) => {
    const [whole, indent = '', lang = '', inside = ''] = match;
    const before = text.slice(end, match.index);
    end = match.index + whole.length;
    return {
      ...{ page, lang, before },
      line: text.slice(0, match.index).split('\n').length + 1,
      text: inside.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    };
  });
}

/** Whether a block is for the shell; some without a language are. */
export function isShell({ lang, text }: Block): boolean {
  const commands = /^(npm|npx|sekisho|curl|node|psql) /;
  return lang === 'sh' || (lang === '' && lines(text).every((line) => commands.test(line)));
}

/** The help of a command, as docs/commands.md has it. */
export function isHelp({ page, lang }: Block): boolean {
  return page === 'docs/commands.md' && lang === 'text';
}

/** What a block consists of. */
export function unitsOf(block: Block): readonly Unit[] {
  if (isHelp(block)) return examplesOf(block.text).map((text) => ({ block, text }));
  if (isShell(block)) return lines(block.text).map((text) => ({ block, text }));
  return [{ block, text: block.text }];
}

/** Where it stands, and how it begins: the name of its test. */
export function nameOf({ block, text }: Unit): string {
  return `${block.page}:${block.line} ${text.split('\n', 1)[0]}`;
}

function lines(text: string): readonly string[] {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

/** The lines under `Examples:`. */
function examplesOf(help: string): readonly string[] {
  const [, examples = ''] = /^Examples:\n((?: {2}.*\n)+)/m.exec(help) ?? [];
  return lines(examples).map((line) => line.trim());
}
