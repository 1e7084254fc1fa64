import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { SekishoError } from '../errors.ts';

/** An instance that several parts of a program may hold. */
interface Held {
  readonly fingerprint: string;
  readonly instance: unknown;
  holders: number;
}

interface Registry {
  readonly held: Map<string, Held>;
  /** Records that are being closed: who opens one again waits for that. */
  readonly closing: Map<string, Promise<void>>;
  /** Numbers for loggers and clocks, so that the same object gives the same fingerprint. */
  readonly objects: WeakMap<object, number>;
  count: number;
}

const REGISTRY = Symbol.for('sekisho.instances');

/** On the global object: a bundler may have made several copies of this module. */
function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  holder[REGISTRY] ??= { held: new Map(), closing: new Map(), objects: new WeakMap(), count: 0 };
  return holder[REGISTRY];
}

/** What an instance is one of: the record that it stands on. Null: there can be as many as one likes. */
function keyOf({ record }: Config): string | null {
  if (record.kind === 'memory') return null;
  return record.kind === 'embedded' ? `dir:${resolve(record.dataDir)}` : `db:${record.databaseUrl}`;
}

function fingerprintOf(config: Config): string {
  const { objects } = registry();
  const numbered = (value: object | null): number => {
    if (value === null) return 0;
    const known = objects.get(value) ?? ++registry().count;
    objects.set(value, known);
    return known;
  };
  const plain = JSON.stringify({
    ...config,
    logger: numbered(config.logger),
    clock: numbered(config.clock),
  });
  // It holds the secret, and stays in memory for as long as the instance.
  return createHash('sha256').update(plain).digest('hex');
}

/** One holder's share of an instance. */
export interface Share<Instance> {
  readonly instance: Instance;
  /**
   * Gives this share back, once however often it is called. The last holder's closes the instance, and nobody opens the
   * record again before that is done.
   */
  letGo(): Promise<void>;
}

/**
 * One instance for each record in a process: whoever asks again with the same options shares it.
 *
 * @param close run by the last holder.
 * @throws SekishoError `invalid_configuration` when there is one with other options.
 */
export function holdOne<Instance>(
  config: Config,
  make: () => Instance,
  close: (instance: Instance) => Promise<void>,
): Share<Instance> {
  const key = keyOf(config);
  if (key === null) {
    const instance = make();
    return { instance, letGo: once(() => close(instance)) };
  }
  const { held } = registry();
  const fingerprint = fingerprintOf(config);
  const known = held.get(key) ?? { fingerprint, instance: make(), holders: 0 };
  if (known.fingerprint !== fingerprint) {
    throw new SekishoError(
      'invalid_configuration',
      'This process has a Sekisho on the same record already, made with other options.',
    );
  }
  held.set(key, known);
  known.holders += 1;
  const instance = known.instance as Instance;
  return { instance, letGo: once(() => giveBack(key, known, () => close(instance))) };
}

async function giveBack(key: string, known: Held, close: () => Promise<void>): Promise<void> {
  known.holders -= 1;
  if (known.holders > 0) return;
  const { held, closing } = registry();
  // Never a successor's place.
  if (held.get(key) === known) held.delete(key);
  const done = close().finally(() => {
    if (closing.get(key) === done) closing.delete(key);
  });
  closing.set(key, done);
  await done;
}

/** Resolves when an earlier instance on the same record, if there is one, has been closed. */
export async function previousClosed(config: Config): Promise<void> {
  const key = keyOf(config);
  if (key !== null)
    await registry()
      .closing.get(key)
      ?.catch(() => {});
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= run();
    return running;
  };
}
