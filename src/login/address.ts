import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

/** What stands for an address that is none. */
const UNKNOWN = 'unknown';

/**
 * The key by which login attempts from an address are counted: an IPv4 address as it is; an IPv4-mapped IPv6 address as
 * the IPv4 address in it; any other IPv6 address as its /64, since a subscriber commonly holds a whole one.
 *
 * @param address as a socket or a trusted proxy gave it; a zone (`%eth0`) does not count.
 * @returns such as `192.0.2.7` or `2001:db8:0:1::/64`; `unknown` for anything that is no address.
 */
export function addressKey(address: string | null): string {
  const plain = plainAddress(address);
  if (plain === null) {
    return UNKNOWN;
  }
  if (isIPv4(plain)) {
    return plain;
  }
  const network = groupsOf(plain).slice(0, 4);
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}

/** The address without its zone, and an IPv4-mapped one (RFC 4291 section 2.5.5.2) as IPv4; null when it is none. */
export function plainAddress(address: string | null): string | null {
  const plain = address?.split('%', 1)[0] ?? '';
  if (isIP(plain) === 0) {
    return null;
  }
  if (isIPv4(plain)) {
    return plain;
  }
  const groups = groupsOf(plain);
  const [high = 0, low = 0] = groups.slice(6);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return mapped ? [high >> 8, high & 255, low >> 8, low & 255].join('.') : plain;
}

/** Whether `entry` is what `createAddressMatcher` takes: an address, a CIDR block, or `loopback`. */
export function isAddressEntry(entry: string): boolean {
  const [address = '', bits, ...rest] = entry.split('/');
  if (entry === 'loopback') {
    return true;
  }
  if (isIP(address) === 0 || rest.length > 0) {
    return false;
  }
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128))
  );
}

/**
 * Makes a test for membership in a list of addresses, CIDR blocks and `loopback` (127.0.0.0/8 and ::1). IPv4-mapped IPv6
 * addresses match as IPv4.
 *
 * @throws RangeError for an entry that `isAddressEntry` refuses.
 */
export function createAddressMatcher(
  entries: readonly string[],
): (address: string | null) => boolean {
  const list = new BlockList();
  for (const entry of entries.flatMap((one) =>
    one === 'loopback' ? ['127.0.0.0/8', '::1'] : [one],
  )) {
    if (!isAddressEntry(entry)) {
      throw new RangeError('not an address, a CIDR block or loopback');
    }
    const [address = '', bits] = entry.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    list.addSubnet(
      address,
      bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits),
      family,
    );
  }
  return (address) => {
    const plain = plainAddress(address);
    return plain !== null && list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [head = '', tail] = address.split('::');
  const front = groupsOfPart(head);
  if (tail === undefined) {
    return front;
  }
  const back = groupsOfPart(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function groupsOfPart(part: string): number[] {
  if (part === '') {
    return [];
  }
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) {
      return [Number.parseInt(group, 16)];
    }
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
