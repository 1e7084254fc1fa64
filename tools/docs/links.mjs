/** Links of the documentation: whether the file is there, and in a page the heading. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * @param {string} root
 * @param {readonly string[]} pages paths from `root`
 * @returns {string[]} what is wrong, a sentence each
 */
export function brokenLinks(root, pages) {
  /** @type {Map<string, Set<string>>} */
  const known = new Map();
  /** @param {string} file */
  const anchorsIn = (file) => {
    const found = known.get(file) ?? anchorsOf(readFileSync(file, 'utf8'));
    known.set(file, found);
    return found;
  };
  return pages.flatMap((page) => {
    const own = join(root, page);
    return linksOf(readFileSync(own, 'utf8')).flatMap((target) => {
      const [path = '', anchor] = target.split('#', 2);
      const file = path === '' ? own : resolve(dirname(own), decodeURI(path));
      const name = relative(root, file);
      if (!existsSync(file)) return [`${page} links to ${name}, which does not exist`];
      if (anchor === undefined || !file.endsWith('.md')) return [];
      if (anchorsIn(file).has(decodeURIComponent(anchor))) return [];
      return [`${page} links to #${anchor} of ${name}, where no heading is called that`];
    });
  });
}

/** Targets within the repository, in the order of the page. @param {string} markdown */
export function linksOf(markdown) {
  const text = prose(markdown).replaceAll(/`[^`\n]*`/g, '');
  const links = text.matchAll(
    /\]\(\s*<?([^)\s>]+)>?[^)]*\)|^ {0,3}\[[^\]]+\]:\s*(\S+)|\s(?:href|src)="([^"]+)"/gm,
  );
  return [...links]
    .map(([, inline, reference, html]) => inline ?? reference ?? html ?? '')
    .filter((target) => !/^[a-z][a-z+.-]*:|^\/\//i.test(target));
}

/** What a page can be linked to with, as GitHub makes it of headings. @param {string} markdown */
export function anchorsOf(markdown) {
  const text = prose(markdown);
  const anchors = new Set(
    [...text.matchAll(/<[a-z]+ (?:id|name)="([^"]+)"/g)].map(([, id = '']) => id),
  );
  /** @type {Map<string, number>} */
  const seen = new Map();
  for (const [, heading = ''] of text.matchAll(/^ {0,3}#{1,6} +(.+?)(?: +#+)? *$/gm)) {
    const slug = slugOf(heading);
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
}

/** @param {string} heading */
function slugOf(heading) {
  return heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<[^>]+>/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** Without blocks of code and comments. @param {string} markdown */
function prose(markdown) {
  return markdown
    .replaceAll(/^ {0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?^ {0,3}\1[^\n]*$/gm, '')
    .replaceAll(/<!--[\s\S]*?-->/g, '');
}
