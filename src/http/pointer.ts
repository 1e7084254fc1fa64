/** Longest part of a pointer, in characters. Names of our own fields are shorter; what a stranger made up is cut. */
const MAX_PART = 100;

/** A JSON Pointer (RFC 6901); the empty one is the whole body. */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path
    .map((part) => String(part).slice(0, MAX_PART).replaceAll('~', '~0').replaceAll('/', '~1'))
    .map((part) => `/${part}`)
    .join('');
}
