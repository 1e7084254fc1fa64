/** Reads the imports of source files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseSync } from 'oxc-parser';

/**
 * @typedef {object} Import
 * @property {string} from path of the importing file, relative to the root, with forward slashes
 * @property {string} to such a path, or a package's name
 * @property {boolean} local
 * @property {boolean} typeOnly
 * @property {boolean} dynamic by `import()`, so that it is loaded when that is called
 * @property {number} line
 */

/** @param {string} root @returns {Import[]} every import of every source file under src/ */
export function readImports(root) {
  return sourceFiles(root).flatMap((file) =>
    importsOf(file, readFileSync(join(root, file), 'utf8')),
  );
}

/** @param {string} root */
export function sourceFiles(root) {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => posix.join('src', file.replaceAll('\\', '/')))
    .filter((file) => /\.[mc]?[jt]sx?$/.test(file))
    .sort();
}

/** @param {string} file @param {string} text @returns {Import[]} */
export function importsOf(file, text) {
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  /** @type {{ specifier: string, typeOnly: boolean, dynamic?: true, start: number }[]} */
  const found = [];
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const typeOnly = entries.length > 0 && entries.every(({ isType }) => isType);
    found.push({ specifier: moduleRequest.value, typeOnly, start });
  }
  for (const { entries, start } of module.staticExports) {
    for (const { moduleRequest, isType } of entries) {
      if (moduleRequest) found.push({ specifier: moduleRequest.value, typeOnly: isType, start });
    }
  }
  for (const { moduleRequest, start } of module.dynamicImports) {
    const literal = /^['"`](.*)['"`]$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
    if (literal?.[1]) found.push({ specifier: literal[1], typeOnly: false, dynamic: true, start });
  }
  return found.map(({ specifier, typeOnly, dynamic = false, start }) => {
    const local = specifier.startsWith('.');
    return {
      from: file,
      to: local ? posix.join(posix.dirname(file), specifier) : packageName(specifier),
      local,
      typeOnly,
      dynamic,
      line: text.slice(0, start).split('\n').length,
    };
  });
}

/** @param {string} specifier */
function packageName(specifier) {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
