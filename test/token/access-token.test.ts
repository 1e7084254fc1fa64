import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { CompactSign, decodeProtectedHeader, exportJWK, FlattenedSign, UnsecuredJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import type { StoredKey } from '../../src/record/contract.ts';
import {
  type AccessFacts,
  assertInTime,
  createAccessTokenVerifier,
  MAX_TOKEN_LENGTH,
  mintAccessToken,
} from '../../src/token/access-token.ts';
import {
  makeSigningKey,
  openSigner,
  type Signer,
  type SigningAlgorithm,
  verifierOf,
} from '../../src/token/signing-key.ts';
import {
  AUDIENCE,
  accessClaims,
  ISSUER,
  NOW_SECONDS,
  testRing,
  testSigningKey,
} from '../support/tokens.ts';

let keys: readonly StoredKey[];
let signer: Signer;
let verify: (token: string) => Promise<AccessFacts>;

beforeAll(async () => {
  keys = await Promise.all(
    (['ES256', 'EdDSA', 'RS256'] as const).map((alg) => testSigningKey(alg)),
  );
  signer = signerOf('ES256');
  verify = createAccessTokenVerifier({
    issuers: () => new Set([ISSUER]),
    audience: AUDIENCE,
    keyOf: (kid) => {
      const key = keys.find((one) => one.kid === kid);
      return key === undefined ? null : verifierOf(key);
    },
  });
});

function signerOf(alg: SigningAlgorithm): Signer {
  const stored = keys.find((key) => key.alg === alg);
  if (stored === undefined) {
    throw new Error(alg);
  }
  return openSigner(testRing(), stored);
}

/** Claims as they stand in a token that verifies. */
function payload(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const claims = accessClaims();
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: claims.uid,
    client_id: 'sekisho',
    tid: claims.tid,
    uid: claims.uid,
    sid: claims.sid,
    gen: claims.generation,
    epoch: 3,
    token_epoch: 5,
    rot: 0,
    roles: ['member'],
    auth_time: NOW_SECONDS,
    amr: ['pwd'],
    iat: NOW_SECONDS,
    exp: NOW_SECONDS + 300,
    jti: claims.jti,
    ...changes,
  };
}

const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signs whatever is asked, with the deployment's own key: only the content can be the reason for a refusal. */
function forge(header: unknown, body: unknown): string {
  const input = `${part(header)}.${part(body)}`;
  const key = { key: signer.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
}

const header = (changes: Record<string, unknown> = {}) => ({
  alg: 'ES256',
  typ: 'at+jwt',
  kid: signer.kid,
  ...changes,
});

const refused = { code: 'invalid_token', message: 'The access token is not valid.' };

describe('minting', () => {
  test.each(['ES256', 'EdDSA', 'RS256'] as const)(
    'B6, RFC 9068, %s: what is minted is verified, claim by claim',
    async (alg) => {
      const claims = accessClaims();
      const token = await mintAccessToken(signerOf(alg), claims);
      const { issuer: _issuer, audience: _audience, ...facts } = claims;
      expect(await verify(token)).toEqual({
        ...facts,
        kid: signerOf(alg).kid,
        notBeforeSeconds: null,
      });
      expect(decodeProtectedHeader(token)).toEqual({ alg, typ: 'at+jwt', kid: signerOf(alg).kid });
    },
  );

  test('RFC 9068 section 2.2: the token has the claims of the contract and no others', async () => {
    const [, body = ''] = (await mintAccessToken(signer, accessClaims())).split('.');
    const names = Object.keys(JSON.parse(Buffer.from(body, 'base64url').toString()));
    expect(names.sort()).toEqual(Object.keys(payload()).sort());
  });

  test('facts are frozen, lists too', async () => {
    const facts = await verify(await mintAccessToken(signer, accessClaims()));
    expect([facts, facts.roles, facts.amr].every(Object.isFrozen)).toBe(true);
  });

  test('the longest life is 900 s, and no epoch is above the token’s own', async () => {
    const long = accessClaims({ expiresAtSeconds: NOW_SECONDS + 901 });
    await expect(mintAccessToken(signer, long)).rejects.toMatchObject({ code: 'internal' });
    const ahead = accessClaims({ epoch: 6, tokenEpoch: 5 });
    await expect(mintAccessToken(signer, ahead)).rejects.toMatchObject({ code: 'internal' });
  });

  test('ASVS 3.3.5: with as many and as long roles as there may be, it fits a cookie of 4096 bytes', async () => {
    const roles = Array.from({ length: 32 }, (_, n) => String(n).padStart(64, 'r'));
    const token = await mintAccessToken(signer, accessClaims({ roles }));
    expect(`__Host-sekisho=${token}; Path=/; Secure; HttpOnly; SameSite=Lax`.length).toBeLessThan(
      4096,
    );
    expect((await verify(token)).roles).toEqual(roles);
  });
});

describe('verifying: form and header', () => {
  test('the forging tool itself makes good tokens', async () => {
    await expect(verify(forge(header(), payload()))).resolves.toMatchObject({ kid: signer.kid });
  });

  test('ASVS 9.1.1: one changed bit anywhere is refused', async () => {
    const token = await mintAccessToken(signer, accessClaims());
    for (let at = 0; at < token.length; at += 7) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      await expect(verify(changed), `at ${at}`).rejects.toMatchObject(refused);
    }
  });

  test('ASVS 9.1.2, RFC 8725 3.1: alg none, in any spelling, is refused', async () => {
    await expect(verify(new UnsecuredJWT(payload()).encode())).rejects.toMatchObject(refused);
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      const head = part(header({ alg }));
      await expect(verify(`${head}.${part(payload())}.`)).rejects.toMatchObject(refused);
      await expect(verify(`${head}.${part(payload())}.AAAA`)).rejects.toMatchObject(refused);
    }
  });

  test('ASVS 9.1.2, RFC 8725 2.1: HS256 with the public key as secret is refused', async () => {
    for (const stored of keys) {
      const { publicKey } = verifierOf(stored);
      const secrets = [
        publicKey.export({ type: 'spki', format: 'pem' }),
        publicKey.export({ type: 'spki', format: 'der' }),
        JSON.stringify(stored.publicJwk),
      ];
      for (const alg of ['HS256', stored.alg]) {
        const input = `${part({ alg, typ: 'at+jwt', kid: stored.kid })}.${part(payload())}`;
        for (const secret of secrets) {
          const tag = createHmac('sha256', secret).update(input).digest('base64url');
          await expect(verify(`${input}.${tag}`)).rejects.toMatchObject(refused);
        }
      }
    }
  });

  test('RFC 8725 3.1: the algorithm is bound to the key, whatever the header says', async () => {
    for (const stored of keys) {
      for (const alg of ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'RS256', 'RS512', 'PS256']) {
        if (alg !== stored.alg) {
          await expect(
            verify(forge(header({ alg, kid: stored.kid }), payload())),
          ).rejects.toMatchObject(refused);
        }
      }
    }
  });

  test('ASVS 9.1.3: a key that comes with the token is never used', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = await exportJWK(publicKey);
    const url = 'https://attacker.example/keys';
    for (const extra of [{ jwk }, { jku: url }, { x5u: url }, { x5c: ['MIIB'] }, { x5t: 'AAAA' }]) {
      const attacks = { ...header(), ...extra };
      const own = await new CompactSign(Buffer.from(JSON.stringify(payload())))
        .setProtectedHeader(attacks)
        .sign(privateKey);
      await expect(verify(own)).rejects.toMatchObject(refused);
      // Refused for the header alone: here even the signature is ours.
      await expect(verify(forge(attacks, payload()))).rejects.toMatchObject(refused);
    }
  });

  test('RFC 7515 4.1.11: a critical or unknown member of the header is refused', async () => {
    for (const extra of [
      { crit: ['exp'] },
      { crit: [] },
      { b64: false, crit: ['b64'] },
      { zip: 'DEF' },
      { cty: 'JWT' },
      { enc: 'A256GCM' },
      { __proto__x: 1 },
    ]) {
      await expect(verify(forge(header(extra), payload()))).rejects.toMatchObject(refused);
    }
  });

  test('an odd kid is refused', async () => {
    const kids = [
      '',
      'unknown',
      `${signer.kid} `,
      signer.kid.slice(1),
      '../../dev/null',
      "' or 1=1 --",
    ];
    for (const kid of [
      ...kids,
      '__proto__',
      null,
      7,
      [signer.kid],
      { kid: signer.kid },
      'k'.repeat(5000),
    ]) {
      await expect(verify(forge(header({ kid }), payload()))).rejects.toMatchObject(refused);
    }
    const { kid: _, ...without } = header();
    await expect(verify(forge(without, payload()))).rejects.toMatchObject(refused);
  });

  test('ASVS 9.2.2, RFC 9068 section 4, RFC 8725 3.11: another type is refused', async () => {
    const types = [
      'JWT',
      'jwt',
      'AT+JWT',
      'application/at+jwt',
      'secevent+jwt',
      'logout+jwt',
      '',
      null,
      1,
    ];
    for (const typ of types) {
      await expect(verify(forge(header({ typ }), payload()))).rejects.toMatchObject(refused);
    }
    const { typ: _, ...without } = header();
    await expect(verify(forge(without, payload()))).rejects.toMatchObject(refused);
  });

  test('JSON serialization is refused', async () => {
    const flattened = await new FlattenedSign(Buffer.from(JSON.stringify(payload())))
      .setProtectedHeader(header())
      .sign(signer.privateKey);
    const { protected: head, signature, payload: body } = flattened;
    for (const value of [
      flattened,
      { payload: body, signatures: [{ protected: head, signature }] },
    ]) {
      await expect(verify(JSON.stringify(value))).rejects.toMatchObject(refused);
      await expect(verify(value as never)).rejects.toMatchObject(refused);
    }
  });

  test('RFC 7515 section 2: only the one canonical spelling in base64url passes', async () => {
    const token = forge(header(), payload());
    const [head = '', body = '', signature = ''] = token.split('.');
    // The last character of 64 bytes has four unused bits.
    const last = signature.at(-1) ?? '';
    const sibling = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spelled = `${signature.slice(0, -1)}${sibling[sibling.indexOf(last) + 1]}`;
    expect(Buffer.from(spelled, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
    for (const odd of [
      `${head}.${body}.${spelled}`,
      `${token}=`,
      `${token}.`,
      `${token}.x`,
      ` ${token}`,
      `${token}\n`,
      `${head}=.${body}.${signature}`,
      `${head}.${body}`,
      `.${body}.${signature}`,
      `${head}..${signature}`,
      `${head}.${body}.`,
      `${head}.${body}.${signature.replaceAll('-', '+').replaceAll('_', '/')}=`,
      '',
      '.',
      '..',
      '...',
    ]) {
      await expect(verify(odd), odd).rejects.toMatchObject(refused);
    }
  });

  test('a header that is no JSON object in UTF-8 is refused', async () => {
    for (const head of ['null', '[]', '"x"', '1', '{', '', '{"alg":"ES256"}}']) {
      await expect(verify(forge(head, payload()))).rejects.toMatchObject(refused);
    }
    const bad = Buffer.concat([Buffer.from('{"alg":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    await expect(verify(`${bad.toString('base64url')}.AA.AA`)).rejects.toMatchObject(refused);
  });

  test('A7: longer than 8 KiB is refused unread', async () => {
    const token = forge(header(), payload({ extra: 'x'.repeat(MAX_TOKEN_LENGTH) }));
    await expect(verify(token)).rejects.toMatchObject(refused);
    await expect(verify('.'.repeat(5_000_000))).rejects.toMatchObject(refused);
  });

  test.each([undefined, null, 7, {}, []])('no string (%j) is refused', async (value) => {
    await expect(verify(value as never)).rejects.toMatchObject(refused);
  });
});

describe('verifying: claims', () => {
  test.each(Object.keys(payload()))(
    'RFC 9068 section 2.2: without %s it is refused',
    async (name) => {
      const { [name]: _, ...rest } = payload();
      await expect(verify(forge(header(), rest))).rejects.toMatchObject(refused);
    },
  );

  test.each(Object.keys(payload()))('%s of another type is refused', async (name) => {
    const values = [null, true, {}, ['x', 1], '', -1, 1.5, 2 ** 53];
    // A user may have no roles in a token; a client's id and a generation may be any text.
    const lists = name === 'roles' ? [] : [[]];
    const texts = ['client_id', 'gen'].includes(name) ? [] : ['not an id!', '1893456000'];
    for (const value of [...values, ...lists, ...texts]) {
      const token = forge(header(), payload({ [name]: value }));
      await expect(verify(token), JSON.stringify(value)).rejects.toMatchObject(refused);
    }
  });

  test('ASVS 9.2.3, 9.2.4, RFC 8725 3.8, 3.9: issuer and audience are compared exactly', async () => {
    for (const iss of [
      `${ISSUER}/`,
      ISSUER.toUpperCase(),
      'https://other.example',
      `${ISSUER}.evil`,
    ]) {
      await expect(verify(forge(header(), payload({ iss })))).rejects.toMatchObject(refused);
    }
    for (const aud of ['other', `${AUDIENCE}s`, [AUDIENCE], [AUDIENCE, 'other'], '*']) {
      await expect(verify(forge(header(), payload({ aud })))).rejects.toMatchObject(refused);
    }
  });

  test('sub is the user', async () => {
    await expect(verify(forge(header(), payload({ sub: newId() })))).rejects.toMatchObject(refused);
  });

  test('FORGET: a longer life than 900 s, or none, is refused', async () => {
    const ending = (seconds: number) =>
      verify(forge(header(), payload({ exp: NOW_SECONDS + seconds })));
    await expect(ending(900)).resolves.toBeDefined();
    for (const seconds of [901, 86_400, 0, -1]) {
      await expect(ending(seconds)).rejects.toMatchObject(refused);
    }
  });

  test('EPOCH: an epoch above the token’s own is refused', async () => {
    const token = forge(header(), payload({ epoch: 6, token_epoch: 5 }));
    await expect(verify(token)).rejects.toMatchObject(refused);
  });

  test('ASVS 9.1.1: claims are not read before the signature is good', async () => {
    const stranger = openSigner(testRing(), await makeSigningKey(testRing(), 0));
    const own = await mintAccessToken(
      { ...stranger, kid: signer.kid },
      accessClaims({ expiresAtSeconds: 1, issuedAtSeconds: 0 }),
    );
    await expect(verify(own)).rejects.toMatchObject(refused);
  });

  test('an unknown claim does not count, and none reaches a prototype (ASVS 15.3.6)', async () => {
    const text = JSON.stringify(payload()).replace(
      '{',
      '{"__proto__":{"roles":["admin"]},"extra":1,',
    );
    const facts = await verify(forge(header(), text));
    expect(facts.roles).toEqual(['member']);
    expect('extra' in facts).toBe(false);
    expect(({} as { roles?: unknown }).roles).toBeUndefined();
  });

  test('revocation is keyed by session: the other signature that ECDSA allows says nothing else', async () => {
    const token = await mintAccessToken(signer, accessClaims());
    const [head, body, signature = ''] = token.split('.');
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const bytes = Buffer.from(signature, 'base64url');
    const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    const other = Buffer.concat([
      bytes.subarray(0, 32),
      Buffer.from(s.toString(16).padStart(64, '0'), 'hex'),
    ]);
    const malleated = `${head}.${body}.${other.toString('base64url')}`;
    expect(malleated).not.toBe(token);
    expect(await verify(malleated)).toEqual(await verify(token));
  });
});

describe('time', () => {
  const at = (facts: AccessFacts, seconds: number) => () => assertInTime(facts, seconds * 1000);

  test('ASVS 9.2.1: good until exp, that moment excluded, without leeway; the signature stays verifiable', async () => {
    const facts = await verify(await mintAccessToken(signer, accessClaims()));
    expect(at(facts, NOW_SECONDS)).not.toThrow();
    expect(at(facts, NOW_SECONDS + 299.999)).not.toThrow();
    expect(at(facts, NOW_SECONDS + 300)).toThrow(
      expect.objectContaining({ code: 'token_expired' }),
    );
    expect(at(facts, NOW_SECONDS + 1e9)).toThrow(
      expect.objectContaining({ code: 'token_expired' }),
    );
  });

  test('iat may lie at most 60 s ahead', async () => {
    const facts = await verify(await mintAccessToken(signer, accessClaims()));
    expect(at(facts, NOW_SECONDS - 60)).not.toThrow();
    expect(at(facts, NOW_SECONDS - 61)).toThrow(expect.objectContaining({ code: 'invalid_token' }));
  });

  test('ASVS 9.2.1: nbf is kept where a token has one, without leeway', async () => {
    const facts = await verify(forge(header(), payload({ nbf: NOW_SECONDS + 30 })));
    expect(facts.notBeforeSeconds).toBe(NOW_SECONDS + 30);
    expect(at(facts, NOW_SECONDS + 29)).toThrow(expect.objectContaining({ code: 'invalid_token' }));
    expect(at(facts, NOW_SECONDS + 30)).not.toThrow();
    await expect(verify(forge(header(), payload({ nbf: 'soon' })))).rejects.toMatchObject(refused);
  });
});
