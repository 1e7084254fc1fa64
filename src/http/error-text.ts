import type { ErrorCode } from '../errors.ts';

/** Codes that no HTTP answer has: they stop the start. */
type StartCode =
  | 'invalid_configuration'
  | 'data_directory_in_use'
  | 'data_directory_unusable'
  | 'backup_unusable';

/** What each code means and what to do about it, for the page at /docs; docs/errors.md says the same at more length. */
export const ERROR_TEXT: Readonly<Record<Exclude<ErrorCode, StartCode>, string>> = {
  invalid_request: 'The request line, a header field or a parameter is malformed.',
  invalid_json: 'The body is not JSON in UTF-8, or has a member twice.',
  ambiguous_credentials: 'Send the bearer token or the cookies, not both.',
  insecure_transport: 'Cookies need https, except on loopback names.',
  invalid_cursor: 'Use next_cursor as it was given.',
  payload_too_large: 'At most 64 KiB.',
  unsupported_media_type: 'Send Content-Type: application/json.',
  unsupported_token_type: 'Only access tokens and refresh tokens can be revoked here.',
  upgrade_required: 'This path speaks WebSocket only.',
  validation_failed: 'errors names each field by JSON Pointer and says what it should be.',
  idempotency_key_reused: 'The same Idempotency-Key came with another request.',
  not_found: 'No such path, or no such object in this tenant.',
  method_not_allowed: 'Allow lists the methods.',
  precondition_failed: 'Somebody changed it since; read it again and use the new ETag.',
  credentials_required: 'Nothing was presented. Log in.',
  invalid_token: 'Not a token of this deployment, or damaged. Log in.',
  token_expired: 'The access token’s time is over. Refresh, then repeat.',
  token_superseded:
    'Roles, password or policy changed since the token was made. Refresh, then repeat.',
  session_revoked: 'Logged out, by the user, an administrator or a noticed theft. Log in.',
  session_expired: 'Idle for too long, or the absolute end was reached. Log in.',
  reauthentication_required: 'This wants a recent password: POST /v1/reauthenticate, then repeat.',
  invalid_credentials: 'Wrong, unknown or disabled; it is not said which.',
  invalid_refresh_token: 'Never one of ours, or of a session that is gone. Log in.',
  invalid_client: 'The service client’s id or secret is missing, wrong, or has ended.',
  insufficient_role: 'The user lacks the role. Do not repeat.',
  origin_denied: 'A page of a foreign origin sent this. Allow the origin, or use bearer tokens.',
  session_limit_reached:
    'The device cap is reached; sessions lists them. Repeat the login with one as end_session.',
  tenant_suspended: 'Nobody of this tenant gets in until an operator resumes it.',
  too_many_attempts:
    'Too many failed logins, or refreshes of one session. Wait for Retry-After seconds.',
  too_many_streams:
    'The session has as many event streams or exports open as it may have. Close one of them.',
  email_taken: 'Another user of the tenant has this e-mail address.',
  external_id_taken: 'Another user of the tenant has this external id.',
  slug_taken: 'Another tenant has this slug.',
  last_administrator: 'Make somebody else an administrator first.',
  conflict: 'The object is in another state than the call supposes. Read it again.',
  store_unavailable: 'The record cannot be reached; nothing was done. Repeat after Retry-After.',
  outcome_unknown: 'The answer of a write was lost. Ask for the revocation with the id given here.',
  not_ready: 'The node is starting or draining. Repeat.',
  internal: 'A defect; the log has it under the X-Request-Id.',
};
