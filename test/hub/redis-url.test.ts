import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeRedis, parseRedisUrl } from '../../src/hub/redis/url.ts';

const hosts = (url: string) => parseRedisUrl(url).hosts.map(({ host, port }) => `${host} ${port}`);

describe('REDIS_URL', () => {
  it('names a Redis', () => {
    expect(parseRedisUrl('redis://redis.example')).toEqual({
      ...{ shape: 'standalone', tls: false, hosts: [{ host: 'redis.example', port: 6379 }] },
      ...{ username: null, password: null, sentinelUsername: null, sentinelPassword: null },
      ...{ masterName: null, database: 0, caFile: null, prefix: 'sekisho:' },
    });
    expect(parseRedisUrl('redis://u%40:p%3A%2F%23@10.0.0.1:7000/3?prefix=app:')).toMatchObject({
      ...{ username: 'u@', password: 'p:/#', database: 3, prefix: 'app:' },
      hosts: [{ host: '10.0.0.1', port: 7000 }],
    });
    expect(parseRedisUrl('redis://:secret@localhost/')).toMatchObject({
      ...{ username: null, password: 'secret', database: 0 },
    });
    expect(hosts('redis://[::1]:7000')).toEqual(['::1 7000']);
    expect(hosts('redis://[::1]')).toEqual(['::1 6379']);
  });

  it('names TLS, and whom to trust', () => {
    expect(parseRedisUrl('rediss://h?ca=/etc/ca.crt')).toMatchObject({
      ...{ tls: true, caFile: '/etc/ca.crt' },
    });
    expect(parseRedisUrl('rediss+cluster://h')).toMatchObject({ tls: true, shape: 'cluster' });
    expect(parseRedisUrl('rediss+sentinel://h/m')).toMatchObject({ tls: true, shape: 'sentinel' });
  });

  it('names Sentinels and their master', () => {
    const url = 'redis+sentinel://u:p@h1:1,h2/mymaster/2?sentinel-username=su&sentinel-password=sp';
    expect(parseRedisUrl(url)).toMatchObject({
      ...{ shape: 'sentinel', masterName: 'mymaster', database: 2, username: 'u', password: 'p' },
      ...{ sentinelUsername: 'su', sentinelPassword: 'sp' },
    });
    expect(hosts(url)).toEqual(['h1 1', 'h2 26379']);
  });

  it('names nodes of a Cluster', () => {
    expect(hosts('redis+cluster://u:p@h1:7000,h2,[::2]:7002')).toEqual([
      'h1 7000',
      'h2 6379',
      '::2 7002',
    ]);
  });

  it('can be shown without user and password', () => {
    const shown = (url: string) => describeRedis(parseRedisUrl(url));
    expect(shown('redis://u:p@h')).toBe('redis://h:6379/0');
    expect(shown('rediss://:p@[::1]:1/2?prefix=a:')).toBe('rediss://[::1]:1/2');
    expect(shown('rediss+sentinel://u:p@a,b/m?sentinel-password=s')).toBe(
      'rediss+sentinel://a:26379,b:26379/m/0',
    );
    expect(shown('redis+cluster://u:p@a,b:1')).toBe('redis+cluster://a:6379,b:1');
  });

  it.each([
    ['', /must begin with redis:/],
    ['localhost:6379', /must begin with redis:/],
    ['http://h', /must begin with redis:/],
    ['REDIS://h', /must begin with redis:/],
    ['redis://h#x', /must begin with redis:.*percent-encoded/],
    ['redis://', /host or port/],
    ['redis://h:0', /host or port/],
    ['redis://h:65536', /host or port/],
    ['redis://h:port', /host or port/],
    ['redis://::1', /host or port/],
    ['redis+cluster://h1,,h2', /host or port/],
    ['redis://h1,h2', /several hosts.*redis\+sentinel/],
    ['redis://user@h', /user without a password/],
    ['redis://user:@h', /user without a password/],
    ['redis://u:%zz@h', /percent-encoding/],
    ['redis://h/one', /number of a database/],
    ['redis://h/1/2', /number of a database/],
    ['redis+sentinel://h', /master/],
    ['redis+sentinel://h/a%20b', /master/],
    ['redis+cluster://h/1', /Redis Cluster has none but 0/],
    ['redis://h?prefix=', /1 to 64/],
    ['redis://h?prefix=a*', /1 to 64/],
    ['redis://h?prefix={a}', /1 to 64/],
    ['redis://h?prefix=a&prefix=b', /once each/],
    ['redis://h?ca=/x', /nothing else/],
    ['rediss://h?ca=', /path of a file/],
    ['redis://h?password=x', /nothing else/],
    ['redis+sentinel://h/m?sentinel-username=x', /needs \?sentinel-password=/],
  ])('%s is refused with a sentence', (url, sentence) => {
    expect(() => parseRedisUrl(url)).toThrow(sentence);
    expect(() => parseRedisUrl(url)).toThrow(
      expect.objectContaining({ code: 'invalid_configuration' }),
    );
  });

  it('no refusal quotes what may be a password', () => {
    const word = fc.stringMatching(/^[a-z0-9]{0,3}[@:/?#%&=,[\]]{1,2}[a-z0-9]{0,3}$/);
    fc.assert(
      fc.property(word, fc.constantFrom('', '+sentinel', '+cluster'), (odd, shape) => {
        const secret = `QzX${odd}QzX`;
        const said = (() => {
          try {
            return describeRedis(parseRedisUrl(`redis${shape}://user:${secret}@host:1/master`));
          } catch (error) {
            return (error as Error).message;
          }
        })();
        // What was read as a host is shown; a raw @ is the one character that may stand in a password.
        expect(said).not.toContain('QzX');
      }),
    );
  });
});
