-- Service clients: programs of a tenant that ask about its tokens and end its sessions.
--
-- At most two secrets hold at once: the newest, and the one before it for the rest of its overlap. Only SHA-256 hashes are
-- kept, of 256 random bits each.
create table sekisho.service_client (
  tid             text not null,
  cid             text not null,
  name            text not null,
  secret_hash     bytea not null,
  secret_made_at  timestamptz not null,
  -- Null: without an end.
  secret_ends_at  timestamptz,
  old_hash        bytea,
  old_ends_at     timestamptz,
  created_at      timestamptz not null,
  -- Coarse: written at most once a minute.
  last_used_at    timestamptz,
  primary key (tid, cid),
  check ((old_hash is null) = (old_ends_at is null))
) with (fillfactor = 80);
create index service_client_by_age on sekisho.service_client (tid, created_at desc, cid desc);

alter table sekisho.service_client enable row level security;
alter table sekisho.service_client force row level security;
create policy system_sees_all on sekisho.service_client to sekisho_system using (true) with check (true);
create policy own_tenant on sekisho.service_client to sekisho_tenant
  using (tid = sekisho.current_tid()) with check (tid = sekisho.current_tid());
grant select, insert, update, delete on sekisho.service_client to sekisho_tenant, sekisho_system;
