import { ERROR_STATUS, type ErrorCode } from '../errors.ts';
import type { Route } from './route.ts';

/** Every code that a route can answer with, by status. */
export function codesOf(route: Route): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>(['payload_too_large', 'internal']);
  const add = (...more: readonly ErrorCode[]) => {
    for (const code of more) codes.add(code);
  };
  add(...route.errors);
  if (route.method !== 'ANY' && route.method !== 'GET') {
    add('unsupported_media_type', 'invalid_json', 'origin_denied', 'outcome_unknown');
  }
  add('invalid_request', 'validation_failed');
  if (route.who === 'client') {
    add('invalid_client', 'too_many_attempts');
    // A form is not judged field by field.
    codes.delete('invalid_json');
    codes.delete('validation_failed');
  }
  if (route.who === 'user' || route.who === 'admin') {
    add('credentials_required', 'invalid_token', 'token_expired', 'token_superseded');
    add('session_revoked', 'session_expired', 'ambiguous_credentials', 'insecure_transport');
  }
  if (route.who === 'admin') add('insufficient_role');
  if (route.who !== 'anyone' || !STATIC.has(route.name)) add('store_unavailable', 'not_ready');
  return [...codes].sort((a, b) => ERROR_STATUS[a] - ERROR_STATUS[b] || (a < b ? -1 : 1));
}

/** Routes that need no store. */
const STATIC = new Set(['openapi', 'docs', 'socket.open']);
