import { describe, expect, test } from 'vitest';
import { createProxyReader } from '../../src/http/proxy.ts';

const read = createProxyReader(['10.0.0.0/8', 'loopback', '2001:db8::/32']);

function of(peer: string | null, headers: Record<string, string>) {
  return read(new Request('http://node.internal:4000/', { headers }), peer);
}

describe('A4: where a request came from', () => {
  test.each([
    ['a stranger without a word', '198.51.100.1', undefined, '198.51.100.1'],
    ['a stranger who claims another', '198.51.100.1', '203.0.113.9', '198.51.100.1'],
    ['a proxy’s client', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    [
      'what the client itself wrote is hearsay',
      '10.0.0.1',
      '192.0.2.1, 203.0.113.9',
      '203.0.113.9',
    ],
    ['two proxies in a row', '10.0.0.1', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['a client that claims to be a proxy', '10.0.0.1', '10.9.9.9, 203.0.113.9', '203.0.113.9'],
    ['all of them trusted: the outermost', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['a proxy that says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['garbage ends the walk', '10.0.0.1', '203.0.113.9, odd', '10.0.0.1'],
    ['a port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['IPv6 with a port', '10.0.0.1', '[2001:db9::1]:4711', '2001:db9::1'],
    ['an IPv6 proxy', '2001:db8::5', '203.0.113.9', '203.0.113.9'],
    ['an IPv4-mapped peer', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['loopback', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['a peer that nobody knows', null, '203.0.113.9', null],
  ] as const)('A4 %s', (_, peer, forwarded, ip) => {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    expect(of(peer, headers).ip).toBe(ip);
  });

  test('A4 scheme and host are a trusted proxy’s to say', () => {
    const headers = { 'x-forwarded-proto': 'HTTPS', 'x-forwarded-host': 'App.Example:8443' };
    expect(of('10.0.0.1', headers)).toMatchObject({ scheme: 'https', host: 'app.example:8443' });
    expect(of('198.51.100.1', headers)).toMatchObject({
      scheme: 'http',
      host: 'node.internal:4000',
    });
  });

  test('A4 of several, what the outermost trusted proxy saw', () => {
    const chain = { 'x-forwarded-for': '203.0.113.9, 10.0.0.2' };
    const said = {
      'x-forwarded-proto': 'http, https, http',
      'x-forwarded-host': 'evil, app, node',
    };
    expect(of('10.0.0.1', { ...chain, ...said })).toMatchObject({ scheme: 'https', host: 'app' });
    expect(of('10.0.0.1', { ...chain, 'x-forwarded-proto': 'https' }).scheme).toBe('https');
  });

  test.each(['evil.example/path', 'a b', 'user@evil', 'evil\\x', '', 'x'.repeat(300)])(
    'A4 a host that is none (%j) is passed over',
    (host) => {
      expect(of('10.0.0.1', { 'x-forwarded-host': host }).host).toBe('node.internal:4000');
    },
  );

  test('A4 a scheme that is none is passed over', () => {
    expect(of('10.0.0.1', { 'x-forwarded-proto': 'gopher' }).scheme).toBe('http');
  });
});
