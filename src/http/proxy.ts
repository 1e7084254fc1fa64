import { createAddressMatcher, plainAddress } from '../login/address.ts';

/** Where a request came from and how it was sent, after what trusted proxies say of it. */
export interface Forwarded {
  /** The client's address: the rightmost hop that is not a trusted proxy. Null when nobody knows. */
  readonly ip: string | null;
  readonly scheme: 'http' | 'https';
  /** Name and, where it is not the scheme's own, port: `shop.example:8443`. */
  readonly host: string;
  /** Whether the peer itself is a trusted proxy: only then its `X-Forwarded-*` and `X-Request-Id` count. */
  readonly fromTrustedProxy: boolean;
}

/** Reads a request's origin; `peer` is the address at the other end of the connection, null when it is not known. */
export type ProxyReader = (request: Request, peer: string | null) => Forwarded;

const HOST = /^(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * Makes the reader for a list of trusted proxies (addresses, CIDR blocks, `loopback`). From any other peer
 * `X-Forwarded-For`, `-Proto` and `-Host` change nothing, so that nobody escapes a limit by writing a header.
 *
 * @throws RangeError for an entry that is neither an address, a block nor `loopback`.
 */
export function createProxyReader(trustedProxies: readonly string[]): ProxyReader {
  const isTrusted = createAddressMatcher(trustedProxies);
  return (request, peer) => {
    const url = new URL(request.url);
    const own = { scheme: url.protocol === 'https:' ? 'https' : 'http', host: url.host } as const;
    const peerAddress = plainAddress(peer);
    if (peerAddress === null || !isTrusted(peerAddress)) {
      return { ...own, ip: peerAddress, fromTrustedProxy: false };
    }
    const { ip, trustedHops } = clientOf(request.headers, peerAddress, isTrusted);
    const scheme = seenBy(request.headers.get('x-forwarded-proto'), trustedHops)?.toLowerCase();
    const host = seenBy(request.headers.get('x-forwarded-host'), trustedHops);
    return {
      ip,
      scheme: scheme === 'https' || scheme === 'http' ? scheme : own.scheme,
      host: host !== undefined && HOST.test(host) ? host.toLowerCase() : own.host,
      fromTrustedProxy: true,
    };
  };
}

/** Walks `X-Forwarded-For` from the right, past the trusted proxies. What is left of the client's own hop is hearsay. */
function clientOf(
  headers: Headers,
  peer: string,
  isTrusted: (address: string) => boolean,
): { readonly ip: string; readonly trustedHops: number } {
  const hops = listOf(headers.get('x-forwarded-for'));
  let ip = peer;
  let trustedHops = 0;
  for (const hop of hops.reverse()) {
    const address = plainAddress(withoutPort(hop));
    if (address === null) break;
    ip = address;
    if (!isTrusted(address)) break;
    trustedHops += 1;
  }
  return { ip, trustedHops };
}

/** The entry that the outermost trusted proxy wrote: each of them adds one, or there is one for all. */
function seenBy(value: string | null, trustedHops: number): string | undefined {
  const entries = listOf(value);
  return entries[Math.max(0, entries.length - 1 - trustedHops)];
}

function listOf(value: string | null): string[] {
  return (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function withoutPort(hop: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(hop);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  return /^\d+\.\d+\.\d+\.\d+:\d+$/.test(hop) ? hop.slice(0, hop.indexOf(':')) : hop;
}
