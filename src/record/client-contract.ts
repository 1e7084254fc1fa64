import type { TenantStatus } from '../tenant/types.ts';
import type { Page } from './shapes.ts';

/** A program of a tenant that asks about its tokens and ends its sessions. */
export interface ServiceClient {
  readonly cid: string;
  /** For people. */
  readonly name: string;
  readonly createdAtMs: number;
  /** Within a minute; null: never. */
  readonly lastUsedAtMs: number | null;
  readonly secretMadeAtMs: number;
  /** The newest secret is good until then, that moment excluded; null: without an end. */
  readonly secretEndsAtMs: number | null;
  /** Until when the secret before it is good, too; null: there is none. It may lie in the past. */
  readonly oldSecretEndsAtMs: number | null;
}

/** What decides whether a service client is who it says. */
export interface ClientCredentials {
  readonly client: ServiceClient;
  /** Of a suspended tenant nobody may call. */
  readonly tenantStatus: TenantStatus;
  /** The newest first; those that have ended are among them. SHA-256, 32 bytes. */
  readonly secrets: readonly { readonly hash: Uint8Array; readonly endsAtMs: number | null }[];
}

/** Service clients are made, given new secrets and deleted by commits only (LogStore). */
export interface ClientStore {
  get(tid: string, cid: string): Promise<ServiceClient | null>;
  /** Newest first. */
  list(tid: string, page: Page): Promise<readonly ServiceClient[]>;
  /** Null: no such client in this tenant, or no such tenant. */
  credentials(tid: string, cid: string): Promise<ClientCredentials | null>;
  /** Writes down that it was used, at most once in `everyMs` whichever nodes it asks; nothing when it is gone. */
  touch(tid: string, cid: string, atMs: number, everyMs: number): Promise<void>;
}
