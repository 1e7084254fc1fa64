-- The first schema. Runs in one transaction, on PostgreSQL 15 and later and on PGlite, from the same text.
--
-- Two roles besides the one that migrates; neither can log in nor bypass row-level security. Every verb of the record
-- takes one of them for its transaction:
--   sekisho_tenant  sees the rows of the tenant in the setting sekisho.tid, and no others;
--   sekisho_system  sees all tenants: the follower, clean-up, operators. Policies name it.
-- Roles belong to the server, not to the database, so another deployment may have made them already.
do $$
declare
  role_name text;
  -- From PostgreSQL 16 on, whoever makes a role may grant it, and may not take it before it was granted.
  needed    text := case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end;
begin
  foreach role_name in array array['sekisho_tenant', 'sekisho_system'] loop
    begin
      execute format('create role %I nologin nobypassrls', role_name);
    exception when duplicate_object or unique_violation then null;
    end;
    if not pg_has_role(current_user, role_name, needed) then
      execute format('grant %I to %I', role_name, current_user);
    end if;
  end loop;
end $$;

grant usage on schema sekisho to sekisho_tenant, sekisho_system;

-- The tenant of the running transaction; no tenant at all when nothing was set.
create function sekisho.current_tid() returns text
  language sql stable parallel safe
  as $$ select nullif(current_setting('sekisho.tid', true), '') $$;

-- ── Protocol (docs/protocol.md section 2), global ─────────────────────────────────────────────────────────────────

create table sekisho.generation (
  id          text primary key,
  parent      text references sekisho.generation (id),
  parent_end  bigint not null default 0,
  settled     boolean not null default false,
  begun_at    timestamptz not null
);

-- One row. Its lock orders the commits of the log.
create table sekisho.head (
  only_one    boolean primary key default true check (only_one),
  position    bigint not null check (position >= 0),
  generation  text not null references sekisho.generation (id),
  -- What tells one history of the database from another; see sekisho.server_identity().
  identity    text not null,
  -- FORGET: nodes take in what lies above it; 0 when nothing was forgotten.
  horizon     bigint not null default 0
);

create table sekisho.revocation (
  position      bigint primary key,
  generation    text not null,
  operation_id  text not null unique,
  scope         text not null,
  tid           text,
  uid           text,
  sid           text,
  spared_sid    text,
  actor_kind    text not null,
  actor_uid     text,
  actor_sid     text,
  reason        text,
  committed_at  timestamptz not null,
  check (scope not in ('tenant', 'user', 'session') or tid is not null),
  check (scope <> 'user' or uid is not null),
  check (scope <> 'session' or sid is not null)
);
create index revocation_by_tenant on sekisho.revocation (tid, position desc);

-- What became of an operation. Kept longer than the log, so that a repeated or abandoned one cannot happen again.
create table sekisho.operation (
  id            text primary key,
  tid           text,
  outcome       text not null check (outcome in ('committed', 'abandoned')),
  generation    text,
  position      bigint,
  decided_at    timestamptz not null
);

create table sekisho.member (
  id            text primary key,
  beat          bigint not null default 0,
  generation    text,
  applied       bigint not null default 0,
  lease_ms      integer not null check (lease_ms > 0),
  tolerance_ms  integer not null check (tolerance_ms >= 0),
  version       integer not null,
  address       text,
  joined_at     timestamptz not null,
  -- For operators alone; no rule reads them. When the last heartbeat came, how long the one before it took, and whether
  -- messages of the node's hub arrive.
  beat_at       timestamptz,
  beat_ms       real,
  hub           text,
  hub_working   boolean
) with (fillfactor = 50);

-- ── Tenants and users ─────────────────────────────────────────────────────────────────────────────────────────────

create table sekisho.tenant (
  tid             text primary key,
  slug            text not null unique,
  name            text not null,
  status          text not null default 'active' check (status in ('active', 'suspended')),
  policy          jsonb not null,
  policy_version  integer not null default 1,
  created_at      timestamptz not null
);

create table sekisho.tenant_user (
  tid            text not null,
  uid            text not null,
  external_id    text,
  email          text not null,
  name           text not null,
  roles          text[] not null,
  status         text not null default 'active' check (status in ('active', 'disabled')),
  password_hash  text,
  version        integer not null default 1,
  created_at     timestamptz not null,
  last_login_at  timestamptz,
  primary key (tid, uid),
  constraint tenant_user_email unique (tid, email),
  constraint tenant_user_external_id unique (tid, external_id)
);
create index tenant_user_by_age on sekisho.tenant_user (tid, created_at desc, uid desc);
create index tenant_user_admins on sekisho.tenant_user (tid) where status = 'active' and 'admin' = any (roles);

create table sekisho.password_reset (
  tid         text not null,
  token_hash  bytea not null,
  uid         text not null,
  expires_at  timestamptz not null,
  primary key (tid, token_hash)
);
create index password_reset_by_user on sekisho.password_reset (tid, uid);
create index password_reset_by_end on sekisho.password_reset (expires_at);

-- ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

create table sekisho.session (
  tid               text not null,
  sid               text not null,
  uid               text not null,
  device_name       text,
  device_kind       text,
  ip                text,
  user_agent        text,
  amr               text[] not null,
  auth_time         timestamptz not null,
  created_at        timestamptz not null,
  last_seen_at      timestamptz not null,
  -- As the policy was at login; the tenant's present policy counts where it is shorter.
  idle_timeout_s    integer not null,
  absolute_end_at   timestamptz not null,
  -- EPOCH: the head when the credentials were read. Never changes.
  generation        text not null,
  epoch             bigint not null,
  -- The refresh chain (docs/refresh.md): hash of the live token, number and time of the newest answer that gave it, and
  -- the hash of its successor under the ring key that the row names.
  rot               integer not null default 0,
  current_hash      bytea not null,
  issued_at         timestamptz not null,
  successor_hash    bytea not null,
  successor_key_id  text not null,
  -- The first number of this chain: re-authentication begins a new one.
  chain_rot         integer not null default 0,
  -- The highest number of which a node has seen an access token: that answer was delivered.
  seen_rot          integer not null default 0,
  -- The newest answer that was given again because it was taken for lost, and how many tokens in a row it happened to.
  lost_rot          integer not null default 0,
  lost_in_a_row     integer not null default 0,
  ended_at          timestamptz,
  ended_how         text check (ended_how in ('revoked', 'logout', 'expired', 'evicted', 'token_reuse')),
  primary key (tid, sid),
  check ((ended_at is null) = (ended_how is null))
) with (fillfactor = 80);
create index session_by_user on sekisho.session (tid, uid, created_at desc, sid desc);
create index session_by_age on sekisho.session (tid, created_at desc, sid desc);
create index session_by_end on sekisho.session (least(absolute_end_at, ended_at));

-- Every used refresh token of a session, until the session's row goes. rot: number of the newest answer that gave it, so
-- a number below the session's that is missing here is that of an answer which was replaced. key_id: the key that derived
-- its successor. used_at: when that was issued, for the first time or again after its answer was lost.
create table sekisho.refresh_used (
  tid      text not null,
  sid      text not null,
  hash     bytea not null,
  rot      integer not null,
  key_id   text not null,
  used_at  timestamptz not null,
  primary key (tid, sid, hash),
  foreign key (tid, sid) references sekisho.session (tid, sid) on delete cascade
);
create unique index refresh_used_by_rot on sekisho.refresh_used (tid, sid, rot);

-- Floors and reissues outlive what they speak of: no foreign keys. Those of all tenants stand under tid '*'; uid and
-- sid are '' where the scope is wider. The record judges refreshes by them.
create table sekisho.floor (
  tid         text not null,
  uid         text not null,
  epoch       bigint not null,
  spared_sid  text,
  primary key (tid, uid)
);

create table sekisho.reissue (
  tid       text not null,
  uid       text not null,
  sid       text not null,
  position  bigint not null,
  primary key (tid, uid, sid)
);

-- One row. Up to when last-seen times are known to have been written: idleness is judged against this time, which stands
-- still while nothing sweeps (errors are in the user's favour).
create table sekisho.sweep (
  only_one       boolean primary key default true check (only_one),
  swept_through  timestamptz not null default 'epoch',
  -- Holds on every node, for sweeping and for clean-up.
  paused         boolean not null default false,
  -- Who sweeps, so that nodes share the work; two that sweep at once do no harm.
  number         bigint not null default 0,
  holder         text,
  claimed_until  timestamptz,
  begun_at       timestamptz,
  progress       jsonb,
  -- The last sweep that moved swept_through, and what the hub's servers said of themselves at its end.
  finished       bigint not null default 0,
  servers        jsonb not null default '{}',
  -- Losses of what was not yet swept, oldest first: swept_through at that moment, and when it was noted.
  lost_through   timestamptz[] not null default '{}',
  lost_at        timestamptz[] not null default '{}'
);

-- Up to when each member has written what it noted, where that goes straight to the record. No foreign key: a member's row
-- may go first.
create table sekisho.seen_mark (
  member   text primary key,
  through  timestamptz not null
) with (fillfactor = 50);

create table sekisho.used_ticket (
  tid         text not null,
  jti         text not null,
  expires_at  timestamptz not null,
  primary key (tid, jti)
);
create index used_ticket_by_end on sekisho.used_ticket (expires_at);

-- ── Login attempts ────────────────────────────────────────────────────────────────────────────────────────────────

-- Sliding windows, exact: the counted attempts of a bucket, oldest first, with their ids. tid is 'unknown' for slugs
-- that no tenant has.
create table sekisho.login_attempt (
  tid       text not null,
  kind      text not null check (kind in ('account', 'device', 'address')),
  key       text not null,
  ids       text[] not null,
  times     timestamptz[] not null,
  last_at   timestamptz not null,
  primary key (tid, kind, key)
) with (fillfactor = 70);
create index login_attempt_by_age on sekisho.login_attempt (last_at);

-- ── Audit, keys, the rest ─────────────────────────────────────────────────────────────────────────────────────────

-- Append-only: no role may update or delete. Operators' rows stand under tid ''.
create table sekisho.audit (
  tid         text not null,
  id          text not null,
  at          timestamptz not null,
  action      text not null,
  outcome     text not null check (outcome in ('success', 'failure')),
  actor_kind  text not null,
  actor_uid   text,
  actor_sid   text,
  subject_kind text,
  subject_id  text,
  ip          text,
  user_agent  text,
  request_id  text,
  detail      jsonb not null,
  primary key (tid, id)
);
create index audit_by_time on sekisho.audit (tid, at desc, id desc);

create table sekisho.idempotency_key (
  tid           text not null,
  uid           text not null,
  key           text not null,
  body_hash     bytea not null,
  operation_id  text not null,
  created_at    timestamptz not null,
  primary key (tid, uid, key)
);
create index idempotency_key_by_age on sekisho.idempotency_key (created_at);

create table sekisho.signing_key (
  kid             text primary key,
  purpose         text not null,
  alg             text not null,
  public_jwk      jsonb not null,
  private_sealed  bytea not null,
  active_from     timestamptz not null,
  retired_at      timestamptz
);

create table sekisho.setting (
  name   text primary key,
  value  text not null
);

-- ── Row-level security (ASVS 8.4.1) ───────────────────────────────────────────────────────────────────────────────

do $$
declare
  name text;
begin
  foreach name in array array[
    'tenant', 'tenant_user', 'password_reset', 'session', 'refresh_used', 'used_ticket', 'login_attempt', 'audit',
    'idempotency_key', 'floor', 'reissue', 'revocation', 'operation'
  ] loop
    execute format('alter table sekisho.%I enable row level security', name);
    execute format('alter table sekisho.%I force row level security', name);
    execute format('create policy system_sees_all on sekisho.%I to sekisho_system using (true) with check (true)', name);
  end loop;
  foreach name in array array[
    'tenant', 'tenant_user', 'password_reset', 'session', 'refresh_used', 'used_ticket', 'login_attempt', 'audit',
    'idempotency_key', 'revocation', 'operation'
  ] loop
    execute format(
      'create policy own_tenant on sekisho.%I to sekisho_tenant using (tid = sekisho.current_tid()) with check (tid = sekisho.current_tid())',
      name);
  end loop;
  foreach name in array array['floor', 'reissue'] loop
    execute format(
      $p$create policy own_tenant_and_all on sekisho.%I to sekisho_tenant using (tid in (sekisho.current_tid(), '*')) with check (tid = sekisho.current_tid())$p$,
      name);
  end loop;
end $$;

grant select on all tables in schema sekisho to sekisho_tenant, sekisho_system;
grant insert, update, delete on
  sekisho.tenant_user, sekisho.password_reset, sekisho.session, sekisho.refresh_used, sekisho.used_ticket,
  sekisho.login_attempt, sekisho.idempotency_key
  to sekisho_tenant, sekisho_system;
grant insert, update on sekisho.tenant, sekisho.floor, sekisho.reissue, sekisho.operation, sekisho.sweep, sekisho.head to sekisho_system;
grant update on sekisho.tenant to sekisho_tenant;
grant insert, update on sekisho.floor, sekisho.reissue to sekisho_tenant;
grant insert, delete on sekisho.revocation to sekisho_system;
grant insert, update, delete on sekisho.member, sekisho.seen_mark, sekisho.generation, sekisho.signing_key, sekisho.setting to sekisho_system;
grant insert on sekisho.audit to sekisho_tenant, sekisho_system;
revoke select on sekisho.signing_key, sekisho.setting, sekisho.member, sekisho.seen_mark, sekisho.sweep from sekisho_tenant;
grant select on sekisho.sweep to sekisho_tenant;
