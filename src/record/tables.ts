import type { Policy, TenantStatus } from '../tenant/types.ts';
import type {
  AuditChainTable,
  AuditCheckpointTable,
  AuditKeyTable,
  AuditRetentionTable,
  AuditSealTable,
  AuditTable,
  AuditUnsealedTable,
} from './audit-tables.ts';
import type { StoredKey } from './contract.ts';

/** The tables of src/record/migrations/ as queries see them: what each is for is said there. */
export interface Tables {
  readonly generation: GenerationTable;
  readonly head: HeadTable;
  readonly revocation: RevocationTable;
  readonly operation: OperationTable;
  readonly member: MemberTable;
  readonly tenant: TenantTable;
  readonly tenant_user: UserTable;
  readonly password_reset: PasswordResetTable;
  readonly session: SessionTable;
  readonly refresh_used: RefreshUsedTable;
  readonly floor: FloorTable;
  readonly reissue: ReissueTable;
  readonly sweep: SweepTable;
  readonly seen_mark: SeenMarkTable;
  readonly used_ticket: UsedTicketTable;
  readonly login_attempt: LoginAttemptTable;
  readonly audit: AuditTable;
  readonly audit_unsealed: AuditUnsealedTable;
  readonly audit_seal: AuditSealTable;
  readonly audit_chain: AuditChainTable;
  readonly audit_checkpoint: AuditCheckpointTable;
  readonly audit_retention: AuditRetentionTable;
  readonly audit_key: AuditKeyTable;
  readonly idempotency_key: IdempotencyKeyTable;
  readonly signing_key: SigningKeyTable;
  readonly setting: SettingTable;
  readonly service_client: ServiceClientTable;
}

export interface GenerationTable {
  readonly id: string;
  readonly parent: string | null;
  readonly parent_end: number;
  readonly settled: boolean;
  readonly begun_at: Date;
}

export interface HeadTable {
  readonly position: number;
  readonly generation: string;
  readonly identity: string;
  readonly horizon: number;
}

export interface RevocationTable {
  readonly position: number;
  readonly generation: string;
  readonly operation_id: string;
  readonly scope: string;
  readonly tid: string | null;
  readonly uid: string | null;
  readonly sid: string | null;
  readonly spared_sid: string | null;
  readonly actor_kind: string;
  readonly actor_uid: string | null;
  readonly actor_sid: string | null;
  readonly reason: string | null;
  readonly committed_at: Date;
}

export interface OperationTable {
  readonly id: string;
  readonly tid: string | null;
  readonly outcome: 'committed' | 'abandoned';
  readonly generation: string | null;
  readonly position: number | null;
  readonly decided_at: Date;
}

export interface MemberTable {
  readonly id: string;
  readonly beat: number;
  readonly generation: string | null;
  readonly applied: number;
  readonly lease_ms: number;
  readonly tolerance_ms: number;
  readonly version: number;
  readonly address: string | null;
  readonly joined_at: Date;
  readonly beat_at: Date | null;
  readonly beat_ms: number | null;
  readonly hub: string | null;
  readonly hub_working: boolean | null;
}

export interface TenantTable {
  readonly tid: string;
  readonly slug: string;
  readonly name: string;
  readonly status: TenantStatus;
  readonly policy: Policy;
  readonly policy_version: number;
  readonly override_policy: Policy | null;
  readonly override_until: Date | null;
  readonly past_absolute_s: readonly number[] | null;
  readonly past_idle_s: readonly number[] | null;
  readonly past_until: readonly Date[] | null;
  readonly created_at: Date;
}

export interface UserTable {
  readonly tid: string;
  readonly uid: string;
  readonly external_id: string | null;
  readonly email: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly status: 'active' | 'disabled';
  readonly password_hash: string | null;
  readonly version: number;
  readonly created_at: Date;
  readonly last_login_at: Date | null;
}

export interface PasswordResetTable {
  readonly tid: string;
  readonly token_hash: Uint8Array;
  readonly uid: string;
  readonly expires_at: Date;
}

export interface SessionTable {
  readonly tid: string;
  readonly sid: string;
  readonly uid: string;
  readonly device_name: string | null;
  readonly device_kind: string | null;
  readonly ip: string | null;
  readonly user_agent: string | null;
  readonly amr: readonly string[];
  readonly auth_time: Date;
  readonly created_at: Date;
  readonly last_seen_at: Date;
  readonly idle_timeout_s: number;
  readonly absolute_end_at: Date;
  readonly generation: string;
  readonly epoch: number;
  readonly rot: number;
  readonly current_hash: Uint8Array;
  readonly issued_at: Date;
  readonly successor_hash: Uint8Array;
  readonly successor_key_id: string;
  readonly chain_rot: number;
  readonly seen_rot: number;
  readonly lost_rot: number;
  readonly lost_in_a_row: number;
  readonly ended_at: Date | null;
  readonly ended_how: 'revoked' | 'logout' | 'expired' | 'evicted' | 'token_reuse' | null;
}

export interface RefreshUsedTable {
  readonly tid: string;
  readonly sid: string;
  readonly hash: Uint8Array;
  readonly rot: number;
  readonly key_id: string;
  readonly used_at: Date;
}

export interface FloorTable {
  readonly tid: string;
  readonly uid: string;
  readonly epoch: number;
  readonly spared_sid: string | null;
}

export interface ReissueTable {
  readonly tid: string;
  readonly uid: string;
  readonly sid: string;
  readonly position: number;
}

export interface SweepTable {
  readonly swept_through: Date;
  readonly paused: boolean;
  readonly number: number;
  readonly holder: string | null;
  readonly claimed_until: Date | null;
  readonly begun_at: Date | null;
  readonly progress: unknown;
  readonly finished: number;
  readonly servers: unknown;
  readonly lost_through: readonly Date[];
  readonly lost_at: readonly Date[];
}

export interface SeenMarkTable {
  readonly member: string;
  readonly through: Date;
}

export interface UsedTicketTable {
  readonly tid: string;
  readonly jti: string;
  readonly expires_at: Date;
}

export interface LoginAttemptTable {
  readonly tid: string;
  readonly kind: 'account' | 'device' | 'address';
  readonly key: string;
  readonly ids: readonly string[];
  readonly times: readonly Date[];
  readonly last_at: Date;
}

export interface IdempotencyKeyTable {
  readonly tid: string;
  readonly uid: string;
  readonly key: string;
  readonly body_hash: Uint8Array;
  readonly operation_id: string;
  readonly created_at: Date;
}

export interface SigningKeyTable {
  readonly kid: string;
  readonly purpose: StoredKey['purpose'];
  readonly alg: StoredKey['alg'];
  readonly public_jwk: Readonly<Record<string, unknown>>;
  readonly private_sealed: Uint8Array;
  readonly active_from: Date;
  readonly retired_at: Date | null;
}

export interface SettingTable {
  readonly name: string;
  readonly value: string;
}

export interface ServiceClientTable {
  readonly tid: string;
  readonly cid: string;
  readonly name: string;
  readonly secret_hash: Uint8Array;
  readonly secret_made_at: Date;
  readonly secret_ends_at: Date | null;
  readonly old_hash: Uint8Array | null;
  readonly old_ends_at: Date | null;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
}
