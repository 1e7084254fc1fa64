import type { ErrorCode } from '../errors.ts';

/** What there is to say of an error code, beside its status. */
export interface ErrorText {
  /** Who can do something about it: the program that called, its developer, or whoever runs Sekisho. */
  readonly reader: 'client' | 'developer' | 'operator';
  /** What happened. */
  readonly what: string;
  readonly doing: string;
}

/** Every error code, for the page at /docs and for docs/errors.md. Words between backticks are code. */
export const ERROR_TEXT: Readonly<Record<ErrorCode, ErrorText>> = {
  invalid_request: {
    reader: 'developer',
    what: 'the request line, a header field or a parameter is malformed',
    doing: '`detail` says which',
  },
  invalid_json: {
    reader: 'developer',
    what: 'the body is not JSON in UTF-8, or has a member twice',
    doing: 'send UTF-8 JSON',
  },
  ambiguous_credentials: {
    reader: 'developer',
    what: 'a bearer token and the access cookie came together',
    doing: 'send one of them',
  },
  insecure_transport: {
    reader: 'developer',
    what: 'cookies over plain http, to a name that is not loopback',
    doing: 'use https; behind a proxy that ends TLS, list it in `SEKISHO_TRUSTED_PROXIES`',
  },
  invalid_cursor: {
    reader: 'developer',
    what: 'the cursor is not one of ours',
    doing: 'use `next_cursor` as it was given',
  },
  payload_too_large: {
    reader: 'developer',
    what: 'the body has more than 64 KiB',
    doing: 'send less',
  },
  unsupported_media_type: {
    reader: 'developer',
    what: 'the body is not in a form that this route reads',
    doing: 'send `Content-Type: application/json`; to `/oauth/…` a form',
  },
  upgrade_required: {
    reader: 'developer',
    what: 'this path speaks WebSocket only',
    doing: 'open a WebSocket, or use the other routes',
  },
  unsupported_token_type: {
    reader: 'developer',
    what: 'only access tokens and refresh tokens can be revoked at `/oauth/revoke`',
    doing: 'leave `token_type_hint` out',
  },
  validation_failed: {
    reader: 'developer',
    what: 'a value is missing, unknown or out of bounds',
    doing: '`errors` names each field by JSON Pointer (RFC 6901) and says what it should be',
  },
  idempotency_key_reused: {
    reader: 'developer',
    what: 'the same `Idempotency-Key` came with another body',
    doing: 'use a new key for a new call',
  },
  not_found: {
    reader: 'developer',
    what: 'there is no such path, or no such object in this tenant',
    doing: 'look at the id',
  },
  method_not_allowed: {
    reader: 'developer',
    what: 'the path is there, the method is not',
    doing: '`Allow` lists the methods',
  },
  precondition_failed: {
    reader: 'developer',
    what: 'somebody changed it since it was read',
    doing: 'read it again and use the new `ETag`',
  },
  credentials_required: {
    reader: 'client',
    what: 'nothing was presented',
    doing: 'show the login page',
  },
  invalid_token: {
    reader: 'client',
    what: 'not a token of this deployment, or damaged',
    doing: 'throw it away, show the login page',
  },
  token_expired: {
    reader: 'client',
    what: 'the access token’s time is over',
    doing: 'refresh, then repeat',
  },
  token_superseded: {
    reader: 'client',
    what: 'roles, password or policy changed since the token was made, or this node cannot vouch for it; of a refresh token: the password was given again a moment ago',
    doing:
      'refresh, then repeat; refresh says if the session was revoked. From refresh itself: use the new pair',
  },
  session_revoked: {
    reader: 'client',
    what: 'logged out, by the user, an administrator, a disabled account, a suspended or deleted tenant, or a noticed theft',
    doing: 'show the login page',
  },
  session_expired: {
    reader: 'client',
    what: 'idle for too long, or the absolute end was reached',
    doing: 'show the login page',
  },
  reauthentication_required: {
    reader: 'client',
    what: 'this route wants a recent password',
    doing: '`POST /v1/reauthenticate`, then repeat',
  },
  invalid_credentials: {
    reader: 'client',
    what: 'wrong, unknown or disabled; it is not said which',
    doing: 'ask again',
  },
  invalid_refresh_token: {
    reader: 'client',
    what: 'never one of ours, or of a session that is gone',
    doing: 'show the login page',
  },
  invalid_client: {
    reader: 'client',
    what: 'at `/oauth/…`: the service client’s id or secret is missing, unknown, wrong or has ended; it is not said which',
    doing: 'give the service its present secret',
  },
  insufficient_role: {
    reader: 'client',
    what: 'the user lacks the role',
    doing: 'do not repeat',
  },
  origin_denied: {
    reader: 'client',
    what: 'a browser of a foreign origin sent cookies',
    doing: 'add the origin to `SEKISHO_ALLOWED_ORIGINS`, or use bearer tokens',
  },
  session_limit_reached: {
    reader: 'client',
    what: 'the device cap is reached and the policy rejects; `sessions` lists them, `sessions_to_end` says how many must end (more than one where the policy has lowered the cap)',
    doing:
      'let the person choose as many, and repeat the login with the `id`, or the list of them, as `end_session`: those end, this one begins',
  },
  tenant_suspended: {
    reader: 'client',
    what: 'the password is right, but an operator has suspended the tenant; sessions from before are `session_revoked`, and whoever has no right password gets `invalid_credentials` as ever',
    doing: 'show it; ask the operator',
  },
  too_many_attempts: {
    reader: 'client',
    what: 'too many failed logins, more than 300 refreshes of a session in a minute, or at `/oauth/…` too many wrong client secrets from one address',
    doing: 'wait for `Retry-After` seconds; nobody is logged out',
  },
  too_many_streams: {
    reader: 'client',
    what: 'the session has 16 event streams or two exports open on this node',
    doing: 'close one of them',
  },
  email_taken: {
    reader: 'developer',
    what: 'another user of the tenant has this e-mail address',
    doing: 'choose another one',
  },
  external_id_taken: {
    reader: 'developer',
    what: 'another user of the tenant has this external id',
    doing: 'choose another one',
  },
  slug_taken: {
    reader: 'developer',
    what: 'another tenant has this slug',
    doing: 'choose another one',
  },
  last_administrator: {
    reader: 'developer',
    what: 'the tenant would be left without an administrator',
    doing: 'make somebody else an administrator first',
  },
  conflict: {
    reader: 'developer',
    what: 'the object is in another state than the call supposes',
    doing: 'read it again',
  },
  store_unavailable: {
    reader: 'client',
    what: 'the record cannot be reached; nothing was done',
    doing: 'repeat after `Retry-After`',
  },
  outcome_unknown: {
    reader: 'client',
    what: 'the answer of a write was lost; it may have happened',
    doing: '`GET /v1/admin/revocations/{id}` with the id in the document',
  },
  not_ready: {
    reader: 'client',
    what: 'the node is starting or draining',
    doing: 'repeat, on another node',
  },
  internal: {
    reader: 'developer',
    what: 'a defect',
    doing: 'the log has it under the `X-Request-Id`',
  },
  invalid_configuration: {
    reader: 'operator',
    what: 'a setting is missing or wrong',
    doing: 'the line names the variable and what it should be',
  },
  data_directory_in_use: {
    reader: 'operator',
    what: 'another process has the data directory',
    doing: 'the line names its pid and address: stop it, or use another directory',
  },
  data_directory_unusable: {
    reader: 'operator',
    what: 'the data directory cannot be used',
    doing:
      'make it a directory that this user may write; where its files are damaged, restore the newest backup',
  },
  backup_unusable: {
    reader: 'operator',
    what: 'the file of a backup cannot be used',
    doing: 'the line says what is wrong with it; nothing was written',
  },
};
