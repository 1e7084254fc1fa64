import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auditEvent, cleanText, MAX_AUDIT_TEXT } from '../../src/audit/event.ts';
import { newId } from '../../src/id.ts';
import { mintAccessToken } from '../../src/token/access-token.ts';
import { makeDeviceToken } from '../../src/token/device-token.ts';
import { makeRefreshToken } from '../../src/token/refresh-token.ts';
import { makeResetToken } from '../../src/token/reset-token.ts';
import { openSigner } from '../../src/token/signing-key.ts';
import { makeSocketTicket } from '../../src/token/socket-ticket.ts';
import { accessClaims, NOW_SECONDS, testRing, testSigningKey } from '../support/tokens.ts';

const base = { tid: newId(), atMs: 5, action: 'authn_login_fail', outcome: 'failure' } as const;

describe('audit rows', () => {
  test('ASVS 16.2.1: who, what, when and where, with nothing made up', () => {
    const actor = { kind: 'user', uid: newId(), sid: newId() } as const;
    const subject = { kind: 'session', id: newId() };
    const where = {
      ip: '192.0.2.7',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
      requestId: newId(),
    };
    const detail = { reason: 'lost device', count: 3, forced: true, before: null };
    const event = auditEvent({ ...base, ...where, actor, subject, detail });
    expect(event).toEqual({
      ...base,
      ...where,
      actor,
      subject,
      detail,
      id: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect([event, event.actor, event.detail].every(Object.isFrozen)).toBe(true);
    expect(auditEvent(base)).toMatchObject({
      actor: { kind: 'anonymous', uid: null, sid: null },
      subject: null,
      ip: null,
      userAgent: null,
      requestId: null,
      detail: {},
    });
  });

  test('ASVS 16.4.1: nothing in it can begin a line or hide one', () => {
    const forged = 'x\r\n2030-01-01 login_success\u001b[2K\u0000\u2028\u202e\u0085y';
    expect(cleanText(forged)).toBe('x2030-01-01 login_success[2Ky');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
        const clean = cleanText(text);
        expect(clean.length).toBeLessThanOrEqual(MAX_AUDIT_TEXT);
        expect(clean).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });

  test('strings are cut at 500 characters, never within one', () => {
    expect(cleanText('x'.repeat(501))).toHaveLength(500);
    expect(cleanText(`${'x'.repeat(499)}🦊`)).toBe('x'.repeat(499));
  });

  test('ASVS 16.2.5: no token of any kind, wherever it stands', async () => {
    const ring = testRing();
    const claims = accessClaims();
    const access = await mintAccessToken(openSigner(ring, await testSigningKey()), claims);
    const ticket = makeSocketTicket(ring, { ...claims, sessionEndsAtMs: 9e12 }, NOW_SECONDS * 1000);
    const tokens = [
      access,
      access.slice(0, -40),
      makeRefreshToken(newId(), newId()),
      makeResetToken(newId()),
      makeDeviceToken(ring, { tid: newId(), email: 'a@b' }, NOW_SECONDS * 1000),
      ticket,
      `sekisho.ticket.${ticket}`,
      '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g',
    ];
    for (const token of tokens) {
      const secret = token.slice(-20);
      const hidden = `${token.slice(0, 50)}\n${token.slice(50)}`;
      for (const text of [
        token,
        `Bearer ${token}`,
        `"${token}",`,
        `${'x '.repeat(245)}${token}`,
        hidden,
      ]) {
        const event = auditEvent({
          ...base,
          userAgent: text,
          requestId: text,
          ip: text,
          actor: { kind: 'user', uid: text, sid: null },
          subject: { kind: text, id: text },
          detail: { [text]: text },
        });
        const row = JSON.stringify(event);
        expect(row, token).not.toContain(secret);
        expect(row).not.toContain(token.slice(30, 50));
      }
    }
  });

  test('what people write, and identifiers, stay as they are', () => {
    const texts = [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
      'a reason with dots... and-a-rather-long-word-joined-by-many-many-dashes here',
      '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      newId(),
      'sub.domain.orders.example',
      '関所 🦊',
    ];
    for (const text of texts) {
      expect(cleanText(text)).toBe(text);
    }
  });

  test('A7: detail is small, and cleaning takes no time to speak of', () => {
    const detail = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`n${n}`, n]));
    expect(Object.keys(auditEvent({ ...base, detail }).detail)).toHaveLength(32);
    for (const text of [
      'a.'.repeat(500_000),
      'eyJ'.repeat(300_000),
      '-'.repeat(1_000_000),
      '$argon2'.repeat(100_000),
    ]) {
      expect(cleanText(text).length).toBeLessThanOrEqual(500);
    }
  });
});
