import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anchorsOf, brokenLinks, linksOf } from '../../tools/docs/links.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sekisho-links-'));
  mkdirSync(join(root, 'docs'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function page(name: string, text: string): void {
  writeFileSync(join(root, name), text);
}

test('a link leads to a file that is there, and to a heading of it', () => {
  page('docs/a.md', '# First\n\n## Its own `routes`\n');
  page(
    'README.md',
    [
      '[good](docs/a.md) [good](docs/a.md#its-own-routes "a title") [here](#here)',
      '[no file](docs/b.md) [no heading](docs/a.md#second) [not here](#there)',
      '<img src="docs/missing.svg"> <a href="docs/a.md#first">good</a>',
      '[as a reference][one] [elsewhere](https://example.com/x.md#y) [mail](mailto:a@b.example)',
      '',
      '[one]: docs/c.md',
      '# Here',
    ].join('\n'),
  );
  expect(brokenLinks(root, ['README.md', 'docs/a.md'])).toEqual([
    'README.md links to docs/b.md, which does not exist',
    'README.md links to #second of docs/a.md, where no heading is called that',
    'README.md links to #there of README.md, where no heading is called that',
    'README.md links to docs/missing.svg, which does not exist',
    'README.md links to docs/c.md, which does not exist',
  ]);
});

test('a page is read from its own folder, and code is no link and no heading', () => {
  page('README.md', '# Sekisho\n');
  page('docs/a.md', '[up](../README.md#sekisho)\n\n```md\n[x](y.md)\n# Shown\n```\n`[z](z.md)`\n');
  expect(brokenLinks(root, ['docs/a.md'])).toEqual([]);
  expect(anchorsOf('```sh\n# a comment\n```\n# Real\n')).toEqual(new Set(['real']));
  expect(linksOf('<!-- [x](y.md) -->[a](b.md)')).toEqual(['b.md']);
});

test('headings are called as GitHub calls them', () => {
  const headings = [
    '# What is it?',
    '## `GET /v1/session`',
    '## Twice',
    '### Twice',
    '## A [link](x.md), and more',
    '## 使い方 v2',
    '## a_b – c',
    '<a id="by-hand"></a>',
  ];
  expect([...anchorsOf(headings.join('\n\n'))].sort()).toEqual(
    [
      'what-is-it',
      'get-v1session',
      'twice',
      'twice-1',
      'a-link-and-more',
      '使い方-v2',
      'a_b--c',
      'by-hand',
    ].sort(),
  );
});
