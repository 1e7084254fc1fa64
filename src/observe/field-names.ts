/**
 * `fields` as a line of the log names them: in snake case, like those of a request (`tookMs` is `took_ms`), in lists and
 * members of members too. For plain values, whose names stand in the code; what is kept by id must not come here.
 */
export function inSnakeCase(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      renamed(value),
    ]),
  );
}

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  const isPlain =
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? inSnakeCase(value) : value;
}
