import { readFileSync } from 'node:fs';

/**
 * The oldest release whose nodes may run beside this one on one record, and that a record may be rolled back to. It is
 * raised by the release that carries out the contract part of a change (docs/upgrading.md), and by no other.
 */
export const RUNS_BESIDE = '0.0.0';

/** What a record that was made before releases were noted in it was made by. */
export const FIRST_RELEASE = '0.0.0';

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** The version of this package. */
export function versionOfThis(): string {
  // In the sources and in the package, two folders up.
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

/**
 * Order of two versions by Semantic Versioning 2.0.0, section 11: negative when `a` is older than `b`, 0 when neither is.
 *
 * @throws Error for what is no version.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (const index of [0, 1, 2] as const) {
    const difference = left.numbers[index] - right.numbers[index];
    if (difference !== 0) return difference;
  }
  return comparePrereleases(left.prerelease, right.prerelease);
}

interface Parts {
  readonly numbers: readonly [number, number, number];
  readonly prerelease: readonly string[];
}

function partsOf(version: string): Parts {
  const found = VERSION.exec(version);
  if (found === null) throw new Error(`not a version: ${version}`);
  const [, major, minor, patch, prerelease] = found;
  return {
    numbers: [Number(major), Number(minor), Number(patch)],
    prerelease: prerelease === undefined ? [] : prerelease.split('.'),
  };
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  // A version without one comes after those that lead to it.
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const difference = compareIdentifiers(left, right);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Numbers by value and before words; words by their characters. */
function compareIdentifiers(a: string, b: string): number {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left && right) return Number(a) - Number(b);
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
