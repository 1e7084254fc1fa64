import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisLink } from './link.ts';

/** One atomic verb in Lua. Its head says what its KEYS, ARGV and answer are. */
export interface RedisScript {
  readonly name: string;
  readonly text: string;
  /** By which Redis knows a script that it has seen (EVALSHA). */
  readonly sha1: string;
}

/** Reads `lua/<name>.lua`. Done once, where the verb is defined: a missing file is found at start. */
export function loadScript(name: string): RedisScript {
  const text = readFileSync(new URL(`lua/${name}.lua`, import.meta.url), 'utf8');
  return Object.freeze({ name, text, sha1: createHash('sha1').update(text).digest('hex') });
}

/**
 * Runs a script by its digest, and by its text where Redis does not know it (any more). In a Cluster all keys must be in
 * one slot: give them one `{hash tag}`.
 *
 * @returns the script's answer, as ioredis reads it: integers, strings, null and arrays of them.
 * @throws whatever the driver does (no connection, the deadline, an error of the script): Redis may have run it or not.
 */
export async function runScript(
  link: RedisLink,
  script: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await link.commands.evalsha(script.sha1, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return await link.commands.eval(script.text, keys.length, ...keys, ...args);
  }
}
