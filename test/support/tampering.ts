import type { Delivery, Fate, TcpProxy } from '../../tools/services/tcp-proxy.mjs';

/** Messages of the last moments, to be sent again and to be changed. */
const KEPT = 400;
const FORGE_EVERY_MS = 15;
const DELAY_MS = 700;

type Message = Pick<Delivery, 'channel' | 'payload'>;
type Counts = ReturnType<TcpProxy['deliveries']>;

export interface Tampering {
  /** Lets everything pass again. @returns what was done, all proxies together. */
  end(): Counts;
}

/**
 * Drops, doubles, reorders, delays and changes the messages of a hub on their way to the nodes, and sends others that nobody
 * sent: recorded ones of any node, changed ones, ones by another channel, and garbage. Nonces pass, so that the nodes go on
 * relying on a hub of which nothing else is certain.
 */
export function tamper(proxies: readonly TcpProxy[], random = Math.random): Tampering {
  const before = proxies.map((proxy) => proxy.deliveries());
  const heard: Message[] = [];

  function fateOf({ channel, payload }: Delivery): Fate {
    if (isNonce(payload)) return 'pass';
    heard.push({ channel, payload });
    if (heard.length > KEPT) heard.shift();
    const drawn = random();
    if (drawn < 0.2) return 'drop';
    if (drawn < 0.35) return 'double';
    if (drawn < 0.5) return 'swap';
    if (drawn < 0.7) return { delayMs: random() * DELAY_MS };
    return drawn < 0.8 ? { replace: changed(payload, random) } : 'pass';
  }

  function forge(): void {
    const [one, other] = [pick(heard, random), pick(heard, random)];
    const proxy = pick(proxies, random);
    if (one === undefined || other === undefined || proxy === undefined) return;
    const drawn = random();
    if (drawn < 0.4) proxy.forge(one);
    else if (drawn < 0.7) proxy.forge({ ...one, payload: changed(one.payload, random) });
    else if (drawn < 0.9) proxy.forge({ channel: other.channel, payload: one.payload });
    else proxy.forge({ ...one, payload: Buffer.from('{"kind":"entry","scope":"all"}') });
  }

  for (const proxy of proxies) proxy.onDelivery(fateOf);
  const forging = setInterval(forge, FORGE_EVERY_MS);
  return {
    end() {
      clearInterval(forging);
      for (const proxy of proxies) proxy.onDelivery(undefined);
      const counts: Record<string, number> = {};
      for (const [index, proxy] of proxies.entries()) {
        for (const [name, count] of Object.entries(proxy.deliveries())) {
          const earlier = before[index]?.[name as keyof Counts] ?? 0;
          counts[name] = (counts[name] ?? 0) + count - earlier;
        }
      }
      return counts as Counts;
    },
  };
}

/** Nonces pass, everything else is lost. */
export function onlyNonces({ payload }: Delivery): Fate {
  return isNonce(payload) ? 'pass' : 'drop';
}

/** `<version><kind>…`: see src/hub/message.ts. */
function isNonce(payload: Buffer): boolean {
  return payload.toString('latin1', 1, 2) === 'n';
}

/** What a forger without the key would like: a wider scope, another position, another kind, or any other letter. */
function changed(payload: Buffer, random: () => number): Buffer {
  const text = payload.toString('utf8');
  const drawn = random();
  if (drawn < 0.3) return Buffer.from(text.replace(/"(session|user)"/, '"tenant"'));
  if (drawn < 0.6) return Buffer.from(text.replace(/\d+(?=[,\]])/, (digits) => `${digits}7`));
  const at = drawn < 0.8 ? 1 : Math.floor(random() * payload.length);
  const other = Buffer.from(payload);
  other.write(String.fromCharCode(97 + Math.floor(random() * 26)), at, 'latin1');
  return other;
}

function pick<One>(all: readonly One[], random: () => number): One | undefined {
  return all[Math.floor(random() * all.length)];
}
