import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import {
  DEVICE_TOKEN_SECONDS,
  makeDeviceToken,
  readDeviceToken,
} from '../../src/token/device-token.ts';
import { mac } from '../../src/token/mac.ts';
import { hashResetToken, makeResetToken, parseResetToken } from '../../src/token/reset-token.ts';
import {
  makeSocketTicket,
  readSocketTicket,
  TICKET_SECONDS,
} from '../../src/token/socket-ticket.ts';
import { testRing } from '../support/tokens.ts';

const NOW = 1_900_000_000_000;
const ring = testRing('new', 'old');

describe('socket tickets (ASVS 4.4.3)', () => {
  const session = {
    jti: newId(),
    tid: newId(),
    uid: newId(),
    sid: newId(),
    clientId: 'sekisho',
    generation: newId(),
    epoch: 4,
    tokenEpoch: 9,
    roles: ['admin'],
    authTimeSeconds: 1_900_000_000,
    amr: ['pwd', 'otp'],
    sessionEndsAtMs: NOW + 86_400_000,
  };
  const ticket = makeSocketTicket(ring, session, NOW);

  test('carries all that a connection is judged by, for 30 s', () => {
    expect(TICKET_SECONDS).toBe(30);
    expect(readSocketTicket(ring, ticket, NOW)).toEqual({ ...session, expiresAtMs: NOW + 30_000 });
    expect(readSocketTicket(ring, ticket, NOW + 29_999)).not.toBeNull();
    expect(readSocketTicket(ring, ticket, NOW + 30_000)).toBeNull();
  });

  test('RFC 9110 5.6.2: it can be part of a subprotocol', () => {
    expect(`sekisho.ticket.${ticket}`).toMatch(/^[!#$%&'*+.^_`|~\w-]+$/);
  });

  test('is good on every node that has its secret, and on no other', () => {
    const old = makeSocketTicket(testRing('old'), session, NOW);
    expect(readSocketTicket(ring, old, NOW)).not.toBeNull();
    expect(readSocketTicket(testRing('other'), ticket, NOW)).toBeNull();
  });

  test('any change is refused', () => {
    for (let at = 0; at < ticket.length; at += 1) {
      const other = ticket[at] === 'A' ? 'B' : 'A';
      expect(
        readSocketTicket(ring, ticket.slice(0, at) + other + ticket.slice(at + 1), NOW),
      ).toBeNull();
    }
    for (const odd of [
      `${ticket}=`,
      `${ticket}.`,
      ` ${ticket}`,
      ticket.split('.')[0],
      '.',
      '',
      null,
      7,
      {},
    ]) {
      expect(readSocketTicket(ring, odd, NOW)).toBeNull();
    }
    expect(readSocketTicket(ring, 'x'.repeat(1_000_000), NOW)).toBeNull();
  });

  test('a MAC made for another purpose does not pass', () => {
    const body = ticket.split('.')[0] ?? '';
    const tag = mac(ring.newest, 'device-token', body).toString('base64url');
    expect(readSocketTicket(ring, `${body}.${tag}`, NOW)).toBeNull();
  });

  test('one of another release, with other claims, is refused and no defect', () => {
    const body = Buffer.from(JSON.stringify({ jti: newId(), more: 1 })).toString('base64url');
    const tag = mac(ring.newest, 'socket-ticket', body).toString('base64url');
    expect(readSocketTicket(ring, `${body}.${tag}`, NOW)).toBeNull();
  });

  test('no text throws', () => {
    fc.assert(fc.property(fc.string(), (text) => readSocketTicket(ring, text, NOW) === null));
  });
});

describe('device tokens (ASVS 6.3.1: a known device still gets in)', () => {
  const account = { tid: newId(), email: 'kei@example.org' };
  const token = makeDeviceToken(ring, account, NOW);

  test('is read for its account, for 180 days', () => {
    const device = readDeviceToken(ring, account, token, NOW);
    expect(device).toMatch(/^[\w-]{22}$/);
    const end = NOW + DEVICE_TOKEN_SECONDS * 1000;
    expect(DEVICE_TOKEN_SECONDS).toBe(180 * 24 * 3600);
    expect(readDeviceToken(ring, account, token, end - 1)).toBe(device);
    expect(readDeviceToken(ring, account, token, end)).toBeNull();
    expect(readDeviceToken(ring, account, token, NOW - 61_000)).toBeNull();
  });

  test('is renewed under the same id', () => {
    const device = readDeviceToken(ring, account, token, NOW) ?? '';
    const renewed = makeDeviceToken(ring, account, NOW + 1000, device);
    expect(renewed).not.toBe(token);
    expect(readDeviceToken(ring, account, renewed, NOW + 1000)).toBe(device);
  });

  test('is nothing for another account or tenant, or under another secret', () => {
    expect(readDeviceToken(ring, { ...account, email: 'mai@example.org' }, token, NOW)).toBeNull();
    expect(readDeviceToken(ring, { ...account, tid: newId() }, token, NOW)).toBeNull();
    expect(readDeviceToken(testRing('other'), account, token, NOW)).toBeNull();
    expect(
      readDeviceToken(ring, account, makeDeviceToken(testRing('old'), account, NOW), NOW),
    ).not.toBeNull();
  });

  test('any change is refused, and no text throws', () => {
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === '1' ? '2' : '1';
      expect(
        readDeviceToken(ring, account, token.slice(0, at) + other + token.slice(at + 1), NOW),
      ).toBeNull();
    }
    fc.assert(
      fc.property(fc.anything(), (value) => readDeviceToken(ring, account, value, NOW) === null),
    );
  });
});

describe('reset tokens', () => {
  const tid = newId();

  test('ASVS 7.2.3: 256 random bits; only the hash is stored', () => {
    const token = makeResetToken(tid);
    expect(token).toMatch(/^[\w-]{22}\.[\w-]{43}$/);
    expect(makeResetToken(tid)).not.toBe(token);
    expect(parseResetToken(token)).toEqual({ tid });
    expect(hashResetToken(token)).toHaveLength(32);
    expect(hashResetToken(token)).not.toEqual(hashResetToken(makeResetToken(tid)));
  });

  test.each([
    ['nothing', ''],
    ['no string', null],
    ['a part more', `${makeResetToken(tid)}.x`],
    ['no secret', `${tid}.`],
    ['no tenant', `.${'A'.repeat(43)}`],
    ['another spelling', `${tid}.${'A'.repeat(42)}B`],
    ['a refresh token', `${tid}.${newId()}.${'A'.repeat(43)}`],
  ])('refuses %s', (_, value) => {
    expect(parseResetToken(value)).toBeNull();
  });
});
