import { readFileSync } from 'node:fs';

/** The line of docs/redis.md, as its user and what it may do. */
export function documentedUser(): { readonly user: string; readonly rules: string } {
  const text = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
  const [, user, rules] = /^user (\S+) on >PASSWORD (.+)$/m.exec(text) ?? [];
  if (user === undefined || rules === undefined) throw new Error('docs/redis.md has no such line');
  return { user, rules };
}
