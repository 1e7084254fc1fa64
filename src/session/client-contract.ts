import type { Page, ServiceClient } from '../record/contract.ts';
import type { Freshness } from '../revocation/types.ts';
import type { Caller, Origin, Revocation } from './types.ts';

/** A service client that has shown who it is. Frozen. */
export interface CallingClient {
  readonly tenantId: string;
  readonly clientId: string;
  readonly name: string;
}

/** What service clients may do, each within its own tenant (RFC 7662, RFC 7009). */
export interface Clients {
  /**
   * Judges a client by its id and secret. A good answer is kept for 5 s, so a client that was deleted, or whose secret has
   * been replaced, or whose tenant was suspended may go on for that long on other nodes; for 15 s where a node cannot read
   * the record.
   * @throws SekishoError `invalid_client`, `too_many_attempts` when too many from one address were wrong, 503.
   */
  authenticate(
    presented: { readonly id: string; readonly secret: string },
    origin: Origin,
  ): Promise<CallingClient>;
  /**
   * Whether a token of the client's tenant is good now: an access token by the view of this node, a refresh token by the
   * record. Whatever is not, for whatever reason, is not active.
   * @throws SekishoError 503 when this node cannot say.
   */
  introspect(client: CallingClient, token: string): Promise<Introspection>;
  /**
   * Ends the session of a token of the client's tenant, as a logout would. Null revocation: there was nothing to end, or it
   * is none of the client's business.
   * @throws SekishoError `unsupported_token_type`, 503.
   */
  revokeToken(
    client: CallingClient,
    token: string,
    origin: Origin,
  ): Promise<{ readonly revocation: Revocation | null }>;
}

export type Introspection = { readonly active: false } | ActiveToken;

/** A token that is good now. */
export interface ActiveToken {
  readonly active: true;
  /** A refresh token is good for nothing but a refresh: no service may take it for an access token. */
  readonly use: 'access' | 'refresh';
  readonly issuer: string;
  readonly clientId: string;
  readonly uid: string;
  readonly tid: string;
  readonly sid: string;
  readonly roles: readonly string[];
  readonly amr: readonly string[];
  /** Seconds since 1970. */
  readonly authTimeSeconds: number;
  readonly expiresAtSeconds: number;
  /** Of an access token. */
  readonly issuedAtSeconds: number | null;
  readonly jti: string | null;
  readonly freshness: Freshness;
}

/** A new client, or a new secret: it is shown this once. */
export interface ClientWithSecret {
  readonly client: ServiceClient;
  readonly secret: string;
}

/** Service clients of the administrator's own tenant. */
export interface ClientAdministration {
  listClients(caller: Caller, page: Page): Promise<readonly ServiceClient[]>;
  getClient(caller: Caller, cid: string): Promise<ServiceClient>;
  createClient(caller: Caller, input: NewClient): Promise<ClientWithSecret>;
  addClientSecret(caller: Caller, cid: string, input: NewSecret): Promise<ClientWithSecret>;
  deleteClient(caller: Caller, cid: string): Promise<void>;
}

export interface NewClient {
  /** 1 to 200 characters. */
  readonly name: string;
  /** How long its secret is good; null: without an end. */
  readonly expiresInSeconds: number | null;
}

export interface NewSecret {
  readonly expiresInSeconds: number | null;
  /** How long the secret until now goes on beside it; 0: it is dead at once. */
  readonly overlapSeconds: number;
}
