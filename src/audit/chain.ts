import { createHash } from 'node:crypto';
import type { Seal, TrailRow } from '../record/trail-contract.ts';

/** Bytes of salt in front of a row's personal data (ASVS 11.4: 128 bit). */
export const SALT_BYTES = 16;

/** Members of `detail` that are personal data, beside address and user agent. */
const PERSONAL_DETAILS = ['email'] as const;

/** Where the chain of a tenant begins: the hash before its first seal. */
export function genesisOf(tid: string): Uint8Array {
  return createHash('sha256').update(`sekisho audit chain v1\n${tid}`, 'utf8').digest();
}

/**
 * What the chain holds of a row: its hash after `previous`, and what stands for its personal data, so that these can be
 * erased and the chain still verifies.
 *
 * hash = SHA-256(previous ‖ UTF-8 of the canonical JSON (RFC 8785) of [1, tid, id, at in µs, action, outcome, actor kind,
 * actor uid, actor sid, subject kind, subject id, request id, detail without personal members, personal in hex or null])
 *
 * @param salt random bytes for the personal data; not used when there are none.
 */
export function sealOf(
  previous: Uint8Array,
  seq: number,
  row: TrailRow,
  salt: () => Uint8Array,
): Seal {
  const own = hasPersonal(row) ? salt() : null;
  const personal = own === null ? null : personalHash(own, row);
  return { seq, id: row.id, hash: chainHash(previous, row, personal), personal, salt: own };
}

/** The hash of a row in its chain, by what stands for its personal data. */
export function chainHash(
  previous: Uint8Array,
  row: TrailRow,
  personal: Uint8Array | null,
): Uint8Array {
  const fields = [
    ...[1, row.tid, row.id, row.atUs, row.action, row.outcome],
    ...[row.actorKind, row.actorUid, row.actorSid, row.subjectKind, row.subjectId, row.requestId],
    withoutPersonal(row.detail),
    personal === null ? null : Buffer.from(personal).toString('hex'),
  ];
  return createHash('sha256').update(previous).update(canonical(fields), 'utf8').digest();
}

/** SHA-256(salt ‖ canonical JSON of [address, user agent, personal members of `detail`]). */
export function personalHash(salt: Uint8Array, row: TrailRow): Uint8Array {
  const details = PERSONAL_DETAILS.map((name) => row.detail[name] ?? null);
  return createHash('sha256')
    .update(salt)
    .update(canonical([row.ip, row.userAgent, ...details]), 'utf8')
    .digest();
}

/** Whether a row holds data that may be erased. */
export function hasPersonal(row: TrailRow): boolean {
  return (
    row.ip !== null ||
    row.userAgent !== null ||
    PERSONAL_DETAILS.some((name) => Object.hasOwn(row.detail, name))
  );
}

function withoutPersonal(detail: TrailRow['detail']): TrailRow['detail'] {
  const kept = Object.entries(detail).filter(
    ([name]) => !(PERSONAL_DETAILS as readonly string[]).includes(name),
  );
  return Object.fromEntries(kept);
}

/** JSON in one spelling (RFC 8785): members sorted by UTF-16 code units, numbers as JavaScript writes them. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`);
  return `{${members.join(',')}}`;
}

export function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.from(a).equals(b);
}
