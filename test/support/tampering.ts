import type { Delivery, Fate, TcpProxy } from '../../tools/services/tcp-proxy.mjs';

/** Messages of the last moments, to be sent again and to be changed. */
const KEPT = 400;
const RECENT = 20;
const FORGE_EVERY_MS = 15;
const DELAY_MS = 700;

type Message = Pick<Delivery, 'channel' | 'payload'>;
type Counts = ReturnType<TcpProxy['deliveries']> & { readonly crafted: number };

export interface Tampering {
  /** What was done so far, all proxies together. */
  counts(): Counts;
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
  let crafted = 0;

  function changed(payload: Buffer): Buffer {
    const craft = craftedFrom(payload, random);
    if (craft !== null) crafted += 1;
    return craft ?? misspelt(payload, random);
  }

  function fateOf({ channel, payload }: Delivery): Fate {
    if (isNonce(payload)) return 'pass';
    heard.push({ channel, payload });
    if (heard.length > KEPT) heard.shift();
    const drawn = random();
    if (drawn < 0.2) return 'drop';
    if (drawn < 0.35) return 'double';
    if (drawn < 0.5) return 'swap';
    if (drawn < 0.7) return { delayMs: random() * DELAY_MS };
    return drawn < 0.8 ? { replace: changed(payload) } : 'pass';
  }

  function forge(): void {
    const [one, other] = [pick(heard, random), pick(heard, random)];
    const recent = pick(heard.filter(isOfLog).slice(-RECENT), random);
    const proxy = pick(proxies, random);
    if (one === undefined || other === undefined || recent === undefined || proxy === undefined)
      return;
    const drawn = random();
    if (drawn < 0.3) proxy.forge(one);
    else if (drawn < 0.7) proxy.forge({ ...recent, payload: changed(recent.payload) });
    else if (drawn < 0.9) proxy.forge({ channel: other.channel, payload: one.payload });
    else proxy.forge({ ...one, payload: Buffer.from('{"kind":"entry","scope":"all"}') });
  }

  for (const proxy of proxies) proxy.onDelivery(fateOf);
  const forging = setInterval(forge, FORGE_EVERY_MS);

  function counts(): Counts {
    const all: Record<string, number> = {};
    for (const [index, proxy] of proxies.entries()) {
      for (const [name, count] of Object.entries(proxy.deliveries())) {
        const earlier = before[index]?.[name as keyof ReturnType<TcpProxy['deliveries']>] ?? 0;
        all[name] = (all[name] ?? 0) + count - earlier;
      }
    }
    return { ...all, crafted } as Counts;
  }

  return {
    counts,
    end() {
      clearInterval(forging);
      for (const proxy of proxies) proxy.onDelivery(undefined);
      return counts();
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

function isOfLog({ payload }: Message): boolean {
  return /[ea]/.test(payload.toString('latin1', 1, 2));
}

/**
 * What somebody without the key would make of a message, under the MAC that it had: of an entry, at its position or the
 * next one, a revocation of the whole tenant; of an acknowledgement one of what has not happened yet.
 */
function craftedFrom(payload: Buffer, random: () => number): Buffer | null {
  const text = payload.toString('utf8');
  const parts = contentOf(text);
  if (parts === null || random() < 0.2) return null;
  if (text[1] === 'e') {
    const [from, generation, position, operationId, , tid] = parts;
    const next = Number(position) + (random() < 0.5 ? 0 : 1);
    return under(text, [from, generation, next, operationId, 'tenant', tid, null, null, null]);
  }
  if (text[1] === 'a') {
    const [from, memberId, generation, position] = parts;
    const later = Number(position) + 1 + Math.floor(random() * 3);
    return under(text, [from, memberId, generation, later]);
  }
  return null;
}

function misspelt(payload: Buffer, random: () => number): Buffer {
  const other = Buffer.from(payload);
  const at = Math.floor(random() * payload.length);
  other.write(String.fromCharCode(97 + Math.floor(random() * 26)), at, 'latin1');
  return other;
}

/** See src/hub/message.ts: what stands before the content, the MAC among it, has this length. */
const HEAD_LENGTH = 2 + 11 + 43;

function contentOf(text: string): readonly unknown[] | null {
  try {
    return JSON.parse(text.slice(HEAD_LENGTH));
  } catch {
    return null;
  }
}

function under(text: string, parts: readonly unknown[]): Buffer {
  return Buffer.from(text.slice(0, HEAD_LENGTH) + JSON.stringify(parts));
}

function pick<One>(all: readonly One[], random: () => number): One | undefined {
  return all[Math.floor(random() * all.length)];
}
