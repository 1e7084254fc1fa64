import type {
  ChainPlace,
  ExportedRow,
  ExportPage,
  PlaceFound,
  SealedRow,
  Taken,
  TrailRow,
  TrailState,
} from './trail-contract.ts';

/** What the functions of the trail return, and what is made of it. Hashes come in hex. */

/** A row of the trail as `sekisho.audit_row` has it. */
export interface RawRow {
  readonly tid: string;
  readonly id: string;
  readonly at_us: number;
  readonly action: string;
  readonly outcome: string;
  readonly actor_kind: string;
  readonly actor_uid: string | null;
  readonly actor_sid: string | null;
  readonly subject_kind: string | null;
  readonly subject_id: string | null;
  readonly ip: string | null;
  readonly user_agent: string | null;
  readonly request_id: string | null;
  readonly detail: TrailRow['detail'];
}

export interface RawSealed {
  readonly seq: number;
  readonly id: string;
  readonly hash: string;
  readonly personal: string | null;
  readonly salt: string | null;
  readonly sealedAtMs: number;
  readonly row: RawRow | null;
  readonly old: boolean;
}

/** Where a look ended; `at_us` null: at the end. */
export interface RawEnd {
  readonly at_us: number | null;
  readonly id: string | null;
}

export interface RawExported {
  readonly row: RawRow;
  readonly seq: number | null;
  readonly hash: string | null;
  readonly personal: string | null;
  readonly salt: string | null;
  readonly previous: string | null;
}

interface RawChain {
  readonly tid: string;
  readonly seq: number;
  readonly hash: string;
  readonly signed_seq: number;
  readonly due: boolean | null;
}

export type RawTaken = { readonly waiting: number; readonly oldestMs: number | null } & (
  | {
      readonly kind: 'taken';
      readonly rows: readonly RawRow[];
      readonly chains: readonly RawChain[];
      readonly more: boolean;
    }
  | { readonly kind: 'held'; readonly holder: string | null }
);

interface RawBase {
  readonly baseSeq: number;
  readonly baseHash: string | null;
  readonly baseToken: string | null;
}

export type RawState = Omit<TrailState, 'head' | 'base'> &
  RawBase & { readonly seq: number; readonly hash: string | null };

export interface RawPlace extends RawBase {
  readonly tid: string;
  readonly seq: number;
  readonly hash: string | null;
  readonly headSeq: number | null;
  readonly headHash: string | null;
  readonly acceptedToken: string | null;
}

export interface RawCheckpoint {
  readonly seq: number;
  readonly hash: string;
  readonly token: string;
  readonly hourly: boolean;
}

export interface RawErased {
  readonly found: number;
  readonly erased: number;
  readonly passed: number;
  readonly looked: number;
  readonly atUs: number | null;
  readonly id: string | null;
}

export function takenOf(raw: RawTaken): Taken {
  if (raw.kind === 'held') return raw;
  return {
    ...raw,
    rows: raw.rows.map(rowOf),
    chains: raw.chains.map(({ tid, seq, hash, signed_seq, due }) => ({
      ...{ tid, seq, hash: bytes(hash), signedSeq: signed_seq, due: due ?? false },
    })),
  };
}

export function stateOf(raw: RawState): TrailState {
  const { seq, hash, baseSeq, baseHash, baseToken, ...state } = raw;
  const base = baseOf({ baseSeq, baseHash, baseToken });
  return { ...state, head: placeOf(seq, hash), base };
}

export function foundOf(raw: RawPlace): PlaceFound {
  const { tid, seq, headSeq, headHash, acceptedToken } = raw;
  return {
    ...{ tid, seq, hash: bytesOrNull(raw.hash), acceptedToken },
    ...{ head: placeOf(headSeq ?? 0, headHash), base: baseOf(raw) },
  };
}

export function sealedOf(raw: RawSealed): SealedRow {
  const { seq, id, hash, personal, salt, sealedAtMs, row, old } = raw;
  return {
    ...{ seq, id, hash: bytes(hash), sealedAtMs, old },
    personal: bytesOrNull(personal),
    salt: bytesOrNull(salt),
    row: row === null ? null : rowOf(row),
  };
}

export function exportedOf(raw: RawExported): ExportedRow {
  const { row, seq, hash, personal, salt, previous } = raw;
  if (seq === null || hash === null) return { row: rowOf(row), seal: null };
  return {
    row: rowOf(row),
    seal: {
      ...{ seq, id: row.id, hash: bytes(hash) },
      personal: bytesOrNull(personal),
      salt: bytesOrNull(salt),
      previous: bytesOrNull(previous),
    },
  };
}

export function endOf({ at_us: atUs, id }: RawEnd): ExportPage['cursor'] {
  return atUs === null || id === null ? null : { atUs, id };
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}

function bytesOrNull(text: string | null): Uint8Array | null {
  return text === null ? null : bytes(text);
}

function placeOf(seq: number, hash: string | null): ChainPlace | null {
  return seq === 0 || hash === null ? null : { seq, hash: bytes(hash) };
}

function baseOf({ baseSeq, baseHash, baseToken }: RawBase): TrailState['base'] {
  const place = placeOf(baseSeq, baseHash);
  return place && { ...place, token: baseToken };
}

function rowOf(raw: RawRow): TrailRow {
  return {
    tid: raw.tid,
    id: raw.id,
    atUs: raw.at_us,
    action: raw.action,
    outcome: raw.outcome,
    actorKind: raw.actor_kind,
    actorUid: raw.actor_uid,
    actorSid: raw.actor_sid,
    subjectKind: raw.subject_kind,
    subjectId: raw.subject_id,
    ip: raw.ip,
    userAgent: raw.user_agent,
    requestId: raw.request_id,
    detail: raw.detail,
  };
}
