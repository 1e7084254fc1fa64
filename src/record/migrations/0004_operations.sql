-- What is decided for a while (docs/operations.md), and how clean-up stands.

-- A policy that holds until a time; the one in `policy` is in force again from then on, by itself (sekisho.policy_at).
-- older nodes: they write neither column
alter table sekisho.tenant
  add column override_policy  jsonb,
  add column override_until   timestamptz,
  add constraint tenant_override_whole check ((override_policy is null) = (override_until is null));

-- What operators decide for all tenants, or for nodes:
--   lifetimes  {access_ttl?, idle_timeout?, absolute_timeout?}: ceilings over every policy
--   limits     {account_attempts?, account_window?, address_attempts?, address_window?, max_wait?}: the tighter one counts
--   log_level  {level}, of one member or of all
-- One of a kind (and node) is in force at a time: the next one, or clearing it, ends it. Rows that have ended stay for a
-- while: what expired under a ceiling stays expired (sekisho.judged_session).
create table sekisho.override (
  id        text primary key,
  kind      text not null check (kind in ('lifetimes', 'limits', 'log_level')),
  node      text check (node is null or kind = 'log_level'),
  value     jsonb not null,
  set_by    text not null,
  begun_at  timestamptz not null,
  until_at  timestamptz,
  check (until_at is not null or kind = 'log_level')
);

-- One row. The version counts what operators change, so that nodes see that something is new; clean-up is shared by it.
create table sekisho.operations (
  only_one       boolean primary key default true check (only_one),
  version        bigint not null default 0,
  -- Clean-up: who is at it, and how far (docs/operations.md).
  run            bigint not null default 0,
  holder         text,
  claimed_until  timestamptz,
  begun_at       timestamptz,
  finished_at    timestamptz,
  progress       jsonb
) with (fillfactor = 50);
insert into sekisho.operations default values;

-- Which version of it each member has taken in, and the level at which it logs. No foreign key: a member's row may go first.
create table sekisho.operations_seen (
  member     text primary key,
  version    bigint not null,
  log_level  text
);

-- Who paused clean-up and sweeping, and when.
alter table sekisho.sweep
  add column paused_by  text,
  add column paused_at  timestamptz;

-- What is old enough to be removed is found by age.
-- locks briefly: clean-up keeps the table small
create index operation_by_age on sekisho.operation (decided_at);

-- Tenants' roles read the ceilings: refreshes are judged under them.
grant select on sekisho.override to sekisho_tenant;
grant select, insert, update, delete on sekisho.override, sekisho.operations_seen to sekisho_system;
grant select, insert, update on sekisho.operations to sekisho_system;
grant delete on sekisho.operation, sekisho.reissue to sekisho_system;
