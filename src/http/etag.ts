/** A strong entity tag (RFC 9110 section 8.8.3) for the version of an object. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** Matches no version: versions count from 0. */
const NO_VERSION = -1;

/**
 * What `If-Match` (RFC 9110 section 13.1.1) asks the object's version to be: null when it asks for nothing (no field, or
 * `*`). Tags are compared strongly; one that is none of ours matches nothing, so that the answer is 412.
 *
 * @param current reads the version; asked only when several tags were given.
 */
export async function expectedVersion(
  field: string | null,
  current: () => Promise<number>,
): Promise<number | null> {
  if (field === null || field.trim() === '*') return null;
  const versions = field
    .split(',')
    .map((tag) => /^"(\d{1,15})"$/.exec(tag.trim())?.[1])
    .filter((version) => version !== undefined)
    .map(Number);
  const [first = NO_VERSION, ...others] = versions;
  if (others.length === 0) return first;
  const version = await current();
  return versions.includes(version) ? version : NO_VERSION;
}
