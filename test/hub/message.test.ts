import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHubCodec, type HubMessage, MAX_MESSAGE_BYTES } from '../../src/hub/message.ts';
import { createKeyRing } from '../../src/token/secrets.ts';

const OLD = 'an old secret that is long enough for it';
const NEW = 'a new secret that is long enough for this';
const DEPLOYMENT = 'a-deployment';
const codec = createHubCodec(createKeyRing(OLD), DEPLOYMENT);

const id = fc.stringMatching(/^[\w-]{22}$/);
/** A later entry of one operation is `<id>.<n>`: a changed password is a floor and a reissue. */
const operationId = fc
  .tuple(id, fc.option(fc.integer({ min: 1, max: 999_999 }), { nil: null }))
  .map(([first, n]) => (n === null ? first : `${first}.${n}`));
const idOrNull = fc.option(id, { nil: null });
const position = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const scope = fc.constantFrom('all', 'tenant', 'user', 'session', 'reissue', 'of_a_newer_release');

const message: fc.Arbitrary<HubMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('entry' as const),
    entry: fc.record({
      ...{ generation: id, position, operationId, scope },
      ...{ tid: idOrNull, uid: idOrNull, sid: idOrNull, sparedSid: idOrNull },
    }),
  }),
  fc.record({
    kind: fc.constant('head' as const),
    head: fc.record({ generation: id, position: fc.maxSafeNat() }),
  }),
  fc.record({
    kind: fc.constant('acknowledgement' as const),
    acknowledgement: fc.record({ memberId: id, generation: id, position: fc.maxSafeNat() }),
  }),
  fc.record({
    kind: fc.constant('event' as const),
    event: fc.record({
      ...{ id, tid: id, type: fc.constantFrom('session.revoked', 'login.failed') },
      at: fc
        .date({ min: new Date(0), max: new Date('9999-01-01T00:00:00Z'), noInvalidDate: true })
        .map((date) => date.toISOString()),
      subject: fc.constantFrom<Record<string, string | null>>({}, { uid: 'u', sid: null }),
      detail: fc.dictionary(fc.constantFrom('reason', 'name'), fc.string({ unit: 'binary' })),
    }),
  }),
  fc.record({ kind: fc.constant('nonce' as const), nonce: id }),
);

function sealed(text: string | null): string {
  if (text === null) throw new Error('it was not sealed');
  return text;
}

describe('ANNOUNCE: messages of a hub', () => {
  it('B9 come back whole, with who sent them', () => {
    fc.assert(
      fc.property(id, message, (from, sent) => {
        expect(codec.open(sealed(codec.seal(from, sent)))).toEqual({ from, message: sent });
      }),
    );
  });

  it('are ignored when a single character is another one, is missing or was added', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.string({ minLength: 0, maxLength: 3 }), (sent, at, put) => {
        const text = sealed(codec.seal('a-node', sent));
        const index = at % text.length;
        const forged = text.slice(0, index) + put + text.slice(index + 1);
        fc.pre(forged !== text);
        expect(codec.open(forged)).toBeNull();
        expect(codec.open(text.slice(0, index))).toBeNull();
        expect(codec.open(text + (put || ' '))).toBeNull();
      }),
    );
  });

  it('are ignored when they are of another deployment or under another secret', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const text = sealed(codec.seal('a-node', sent));
        expect(createHubCodec(createKeyRing(OLD), 'another-deployment').open(text)).toBeNull();
        expect(createHubCodec(createKeyRing(NEW), DEPLOYMENT).open(text)).toBeNull();
      }),
    );
  });

  it('are read by every node whose ring has the secret, and made under the newest', () => {
    const nonce: HubMessage = { kind: 'nonce', nonce: 'abc' };
    const both = createHubCodec(createKeyRing(`${NEW},${OLD}`), DEPLOYMENT);
    expect(both.open(sealed(codec.seal('a-node', nonce)))?.message).toEqual(nonce);
    const text = sealed(both.seal('a-node', nonce));
    expect(codec.open(text)).toBeNull();
    expect(createHubCodec(createKeyRing(NEW), DEPLOYMENT).open(text)?.message).toEqual(nonce);
  });

  it('nothing that anybody sends makes reading throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(codec.open(text)).toBeNull();
        expect(codec.open(`1e${text}`)).toBeNull();
      }),
    );
  });

  it('a right MAC over what is no message of this release is ignored, too', () => {
    const badly = (sent: unknown) => codec.open(sealed(codec.seal('n', sent as HubMessage)));
    expect(badly({ kind: 'head', head: { generation: 'g', position: -1 } })).toBeNull();
    expect(badly({ kind: 'head', head: { generation: 'g', position: 1.5 } })).toBeNull();
    expect(badly({ kind: 'head', head: { generation: '', position: 1 } })).toBeNull();
    expect(badly({ kind: 'head', head: { generation: 'g', position: '1' } })).toBeNull();
    expect(badly({ kind: 'nonce', nonce: null })).toBeNull();
    const entry = { generation: 'g', position: 1, operationId: 'o', scope: 'all' };
    const ids = { tid: null, uid: null, sid: null, sparedSid: null };
    expect(badly({ kind: 'entry', entry: { ...entry, ...ids } })).not.toBeNull();
    expect(badly({ kind: 'entry', entry: { ...entry, ...ids, position: 0 } })).toBeNull();
    expect(badly({ kind: 'entry', entry: { ...entry, ...ids, scope: 'A B' } })).toBeNull();
    expect(badly({ kind: 'entry', entry: { ...entry, ...ids, sid: 7 } })).toBeNull();
    const event = { id: 'i', tid: 't', type: 'a.b', at: '2026-01-02T03:04:05Z' };
    expect(badly({ kind: 'event', event: { ...event, subject: {}, detail: {} } })).not.toBeNull();
    expect(badly({ kind: 'event', event: { ...event, subject: { a: 1 }, detail: {} } })).toBeNull();
    expect(badly({ kind: 'event', event: { ...event, subject: {}, detail: [] } })).toBeNull();
    expect(
      badly({ kind: 'event', event: { ...event, at: 'now', subject: {}, detail: {} } }),
    ).toBeNull();
  });

  it('what is too long or cannot be said in JSON is not sent, and too long a text is not read', () => {
    const event = (detail: Record<string, unknown>): HubMessage => ({
      kind: 'event',
      event: {
        id: 'i',
        tid: 't',
        type: 'user.changed',
        at: '2026-01-02T03:04:05Z',
        subject: {},
        detail,
      },
    });
    const longest = 'x'.repeat(
      MAX_MESSAGE_BYTES - sealed(codec.seal('n', event({ name: '' }))).length,
    );
    const text = sealed(codec.seal('n', event({ name: longest })));
    expect(Buffer.byteLength(text)).toBe(MAX_MESSAGE_BYTES);
    expect(codec.open(text)?.message).toEqual(event({ name: longest }));
    expect(codec.seal('n', event({ name: `${longest}x` }))).toBeNull();
    expect(codec.seal('n', event({ name: `${longest.slice(1)}é` }))).toBeNull();
    expect(codec.seal('n', event({ name: 1n }))).toBeNull();
    expect(codec.open(`${text} `)).toBeNull();
  });
});
