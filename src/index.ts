/**
 * Sekisho: session management for multi-tenant SaaS.
 *
 * @example
 * import { createSekisho } from 'sekisho';
 *
 * const sekisho = await createSekisho();
 * export const GET = sekisho.withAuth((request, session) => Response.json({ tenant: session.tenantId }));
 */
export type { Clock, Timer } from './clock.ts';
export type { LogLevel, SekishoOptions } from './config.ts';
export type { AuthenticatedHandler, GuardedHandler, PeerEnv } from './create/guard.ts';
export type { Sekisho, Starting } from './create/sekisho.ts';
export { createSekisho, startSekisho } from './create.ts';
export {
  ERROR_STATUS,
  type ErrorCode,
  type ErrorDetails,
  type FieldError,
  isSekishoError,
  type Proven,
  type RateLimitState,
  SekishoError,
} from './errors.ts';
export type { EventType, HubEvent } from './hub/contract.ts';
export type { Log } from './observe/log.ts';
export type { SessionRow } from './record/contract.ts';
export type { BarrierResult } from './revocation/contract.ts';
export type { Freshness } from './revocation/types.ts';
export type {
  AuthenticateOptions,
  CreateSessionInput,
  DeviceInput,
  Engine,
  Origin,
  Revocation,
  Session,
  TokenPair,
} from './session/contract.ts';
export { DEFAULT_POLICY } from './tenant/policy.ts';
export type { LoginLimit, Policy, Tenant, User } from './tenant/types.ts';
