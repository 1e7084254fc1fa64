export interface AuditTable {
  readonly tid: string;
  readonly id: string;
  readonly at: Date;
  readonly action: string;
  readonly outcome: 'success' | 'failure';
  readonly actor_kind: string;
  readonly actor_uid: string | null;
  readonly actor_sid: string | null;
  readonly subject_kind: string | null;
  readonly subject_id: string | null;
  readonly ip: string | null;
  readonly user_agent: string | null;
  readonly request_id: string | null;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

export interface AuditUnsealedTable {
  readonly tid: string;
  readonly id: string;
  readonly at: Date;
}

export interface AuditSealTable {
  readonly tid: string;
  readonly seq: number;
  readonly id: string;
  readonly hash: Uint8Array;
  readonly personal: Uint8Array | null;
  readonly salt: Uint8Array | null;
  readonly sealed_at: Date;
}

export interface AuditChainTable {
  readonly tid: string;
  readonly seq: number;
  readonly hash: Uint8Array;
}

export interface AuditCheckpointTable {
  readonly tid: string;
  readonly seq: number;
  readonly token: string;
  readonly signed_at: Date;
}

export interface AuditRetentionTable {
  readonly tid: string;
  readonly audit_days: number | null;
  readonly personal_days: number | null;
}

export interface AuditKeyTable {
  readonly kid: string;
  readonly alg: 'ES256' | 'EdDSA' | 'RS256';
  readonly public_jwk: Readonly<Record<string, unknown>>;
  readonly private_sealed: Uint8Array;
  readonly active_from: Date;
  readonly retired_at: Date | null;
}
