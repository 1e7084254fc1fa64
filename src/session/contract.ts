import type { TrailStatus } from '../audit/trail.ts';
import type { RecordSchema } from '../record/contract.ts';
import type { FollowerStatus } from '../revocation/contract.ts';
import type { Administration } from './administration-contract.ts';
import type { Authentication, TokenStatus } from './authentication-contract.ts';
import type { BackupStatus } from './backups.ts';
import type { Clients } from './client-contract.ts';
import type { Logins } from './login-contract.ts';
import type { Maintenance } from './maintenance-contract.ts';
import type { Operator } from './operator/contract.ts';
import type { OwnSessions } from './own-sessions-contract.ts';
import type { Events, Sockets } from './socket-contract.ts';

export type {
  Administration,
  ChangedPolicy,
  NodeState,
  RevokeOptions,
  VersionedPolicy,
} from './administration-contract.ts';
export type {
  AuthenticateOptions,
  Authentication,
  TokenStatus,
} from './authentication-contract.ts';
export type { BackupStatus } from './backups.ts';
export type {
  ActiveToken,
  CallingClient,
  Clients,
  ClientWithSecret,
} from './client-contract.ts';
export type {
  CreateSessionInput,
  DeviceInput,
  EndSession,
  LoginInput,
  LoginResult,
  Logins,
  TokenPair,
} from './login-contract.ts';
export type { Maintenance, MaintenanceStatus, SweepStatus } from './maintenance-contract.ts';
export type { Operator } from './operator/contract.ts';
export type { OwnSessions } from './own-sessions-contract.ts';
export type { Events, LiveConnection, SocketSession, Sockets } from './socket-contract.ts';
export type { Caller, MemberState, Origin, PasswordReset, Revocation, Session } from './types.ts';

/**
 * The use cases: everything Sekisho does, without HTTP. All methods throw SekishoError. `Caller` is an authenticated
 * session; its tenant is the tenant of the call, nothing else is.
 */
export interface Engine {
  readonly authentication: Authentication;
  readonly logins: Logins;
  readonly ownSessions: OwnSessions;
  readonly administration: Administration;
  readonly clients: Clients;
  readonly operator: Operator;
  /** The same, of somebody: what they do is in the audit trail under that name. */
  operatorNamed(by: string): Operator;
  readonly sockets: Sockets;
  readonly events: Events;
  readonly maintenance: Maintenance;
  /** What became of access tokens on this node. */
  readonly tokens: { status(): TokenStatus };
  /** How the audit trail is sealed, as far as this node knows. */
  readonly trail: { status(): TrailStatus };
  /** Of a record in a data directory, which this process backs up; null for others. */
  readonly backups: { status(): BackupStatus } | null;
  /** Public keys, as a JWK Set (RFC 7517): active, coming and not yet expired ones. */
  jwks(): Promise<{ readonly keys: readonly Readonly<Record<string, unknown>>[] }>;
  /** `iss` of what is minted now; an operator may change it at run time. */
  readonly issuer: string;
  /** Whose tokens are good now: the issuer, and for some minutes around a change the other one. */
  issuers(): ReadonlySet<string>;
  readonly audience: string;
  status(): FollowerStatus;
  /** What stands in the record about its schema: whoever brings another release knows by it what that would change. */
  schema(): Promise<RecordSchema>;
}
