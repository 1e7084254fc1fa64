import { CompactSign, compactVerify } from 'jose';
import { z } from 'zod';
import { fromBase64url } from './mac.ts';
import type { Signer, Verifier } from './signing-key.ts';

/** `typ` of what is signed of the audit trail (RFC 8725 section 3.11): no token of anything else is taken for one. */
const TYPE = 'sekisho-audit+jws';
const MAX_LENGTH = 2_000;

/**
 * What a key says of the chain of a tenant. `checkpoint`: it had this hash at this number. `pruned`: everything up to there
 * was removed on purpose, and verification begins there. `accepted`: an operator has had it gone on with as it stands, although a
 * node has sealed another one before.
 */
export interface CheckpointClaims {
  readonly kind: 'checkpoint' | 'pruned' | 'accepted';
  /** The deployment. */
  readonly issuer: string;
  /** '' for the operators' own trail. */
  readonly tid: string;
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly atMs: number;
}

const HEADER = z.looseObject({ alg: z.string(), typ: z.literal(TYPE), kid: z.string() });
const CLAIMS = z.looseObject({
  v: z.literal(1),
  kind: z.enum(['checkpoint', 'pruned', 'accepted']),
  iss: z.string(),
  tid: z.string(),
  seq: z.int().min(1),
  hash: z.base64url().length(43),
  at: z.iso.datetime(),
});

/** Signs a place of a chain: a JWS (RFC 7515) in compact form, which anybody verifies with the public key. */
export async function signCheckpoint(signer: Signer, claims: CheckpointClaims): Promise<string> {
  const payload = {
    ...{ v: 1, kind: claims.kind, iss: claims.issuer, tid: claims.tid, seq: claims.seq },
    hash: Buffer.from(claims.hash).toString('base64url'),
    at: new Date(claims.atMs).toISOString(),
  };
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg: signer.alg, typ: TYPE, kid: signer.kid })
    .sign(signer.privateKey);
}

export type ReadCheckpoint =
  | { readonly kind: 'good'; readonly kid: string; readonly claims: CheckpointClaims }
  /** Nobody here has this key. */
  | { readonly kind: 'unknown_key'; readonly kid: string }
  | { readonly kind: 'forged' };

/** Verifies what `signCheckpoint` made. `keyOf` alone decides about the algorithm. Never rejects. */
export async function readCheckpoint(
  token: string,
  keyOf: (kid: string) => Verifier | null,
): Promise<ReadCheckpoint> {
  const [head = ''] = token.length <= MAX_LENGTH ? token.split('.', 1) : [];
  const header = HEADER.safeParse(jsonOf(fromBase64url(head)));
  if (!header.success) return { kind: 'forged' };
  const { kid, alg } = header.data;
  const key = keyOf(kid);
  if (key === null) return { kind: 'unknown_key', kid };
  if (key.alg !== alg) return { kind: 'forged' };
  try {
    const { payload } = await compactVerify(token, key.publicKey, { algorithms: [key.alg] });
    const { kind, iss, tid, seq, hash, at } = CLAIMS.parse(jsonOf(payload));
    const claims = {
      ...{ kind, issuer: iss, tid, seq },
      ...{ hash: Buffer.from(hash, 'base64url'), atMs: Date.parse(at) },
    };
    return { kind: 'good', kid, claims };
  } catch {
    return { kind: 'forged' };
  }
}

function jsonOf(bytes: Uint8Array | null): unknown {
  try {
    return bytes === null ? undefined : JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
