/** What Sekisho answers, from `basePath` on; a `*` at the end stands for any rest. */
export const OWN_PATHS = [
  '/v1/*',
  '/oauth/*',
  '/.well-known/jwks.json',
  '/.well-known/oauth-authorization-server',
  '/openapi.json',
  '/docs',
  '/docs/*',
] as const;

/** Whether `target` (path and query) is for Sekisho rather than for the application that it is mounted in. */
export function isOwnPath(target: string, basePath: string): boolean {
  const path = target.split('?', 1)[0] ?? '';
  if (!path.startsWith(basePath)) return false;
  const own = path.slice(basePath.length);
  return OWN_PATHS.some((one) =>
    one.endsWith('*') ? own.startsWith(one.slice(0, -1)) : own === one,
  );
}
