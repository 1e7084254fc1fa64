import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressKey,
  createAddressMatcher,
  isAddressEntry,
  plainAddress,
} from '../../src/login/address.ts';

describe('the key by which attempts from an address are counted', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:c000:0207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ])('%s is counted as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  test.each([
    '',
    'localhost',
    '192.0.2',
    '192.0.2.256',
    '010.0.0.1',
    '1.2.3.4:80',
    '[::1]',
    '1:2',
    'x'.repeat(1e5),
    null,
  ])('%j is no address', (value) => {
    expect(addressKey(value)).toBe('unknown');
    expect(plainAddress(value)).toBeNull();
  });

  test('all addresses of one /64 share a key, those of two never do', () => {
    fc.assert(
      fc.property(
        fc.ipV6(),
        fc.array(fc.nat(0xffff), { minLength: 4, maxLength: 4 }),
        (address, host) => {
          const key = addressKey(address);
          if (key.endsWith('::/64')) {
            const sibling = `${key.slice(0, -'::/64'.length)}:${host.map((group) => group.toString(16)).join(':')}`;
            // 0:0:0:0:0:ffff:… is an IPv4 address and counted as one.
            if (!/^0:0:0:0:0:ffff:/.test(sibling)) {
              expect(addressKey(sibling)).toBe(key);
            }
            expect(createAddressMatcher([key])(address)).toBe(true);
          }
        },
      ),
    );
  });
});

describe('lists of addresses', () => {
  test.each([
    'loopback',
    '10.0.0.0/8',
    '192.0.2.7',
    '::1',
    '2001:db8::/32',
    '0.0.0.0/0',
    'fd00::/128',
  ])('%s is an entry', (entry) => {
    expect(isAddressEntry(entry)).toBe(true);
  });

  test.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::/129',
    '10.0.0/8',
    'proxy.example',
    '*',
    '10.0.0.0/-1',
    '10.0.0.0/+8',
  ])('%j is none', (entry) => {
    expect(isAddressEntry(entry)).toBe(false);
    expect(() => createAddressMatcher([entry])).toThrow(RangeError);
  });

  test('match by block, IPv4-mapped addresses as IPv4, and nothing else', () => {
    const trusted = createAddressMatcher(['loopback', '10.1.0.0/16', '2001:db8::/32']);
    const yes = [
      '127.0.0.1',
      '127.9.9.9',
      '::1',
      '::ffff:127.0.0.1',
      '10.1.2.3',
      '::ffff:a01:203',
      '2001:db8:9::1',
    ];
    const no = ['10.2.0.1', '128.0.0.1', '::2', '2001:db9::1', 'localhost', '', null];
    expect(yes.filter((address) => !trusted(address))).toEqual([]);
    expect(no.filter((address) => trusted(address))).toEqual([]);
    expect(createAddressMatcher([])('127.0.0.1')).toBe(false);
  });
});
