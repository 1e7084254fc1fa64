-- The sealed audit trail (docs/audit.md). Rows of sekisho.audit stay as they were written: what the sealer says of them
-- stands beside them.

-- Rows that are not sealed yet. A trigger puts them here, whatever code inserts them, so that a row is here from the moment
-- at which it can be seen, however late its transaction commits; the sealer takes them away in the transaction that seals.
create table sekisho.audit_unsealed (
  tid  text not null,
  id   text not null,
  -- As in the row.
  at   timestamptz not null,
  primary key (tid, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- One chain a tenant: hash = SHA-256(hash before ‖ row).
create table sekisho.audit_seal (
  tid        text not null,
  seq        bigint not null check (seq > 0),
  id         text not null,
  hash       bytea not null,
  -- What the hash covers of the row's personal data: SHA-256(salt ‖ data). Erasing the salt and the data leaves a number
  -- that tells nothing, and a chain that still verifies. Null: the row had none.
  personal   bytea,
  salt       bytea,
  sealed_at  timestamptz not null,
  primary key (tid, seq),
  constraint audit_seal_row unique (tid, id)
);

create table sekisho.audit_chain (
  tid             text primary key,
  seq             bigint not null,
  hash            bytea not null,
  -- The newest signed checkpoint, and since when there is something that it does not cover.
  signed_seq      bigint not null default 0,
  signed_token    text,
  unsigned_since  timestamptz,
  -- The hour of the newest one in sekisho.audit_checkpoint.
  kept_hour       timestamptz,
  -- Where verification begins: everything up to here was pruned, and the token says by whose key.
  base_seq        bigint not null default 0,
  base_hash       bytea,
  base_token      text,
  -- Up to when retention has erased personal data.
  erased_through  timestamptz not null default '-infinity'
) with (fillfactor = 70);
create index audit_chain_unsigned on sekisho.audit_chain (unsigned_since) where unsigned_since is not null;

-- Checkpoints that are kept, at most one an hour: pruning ends at one of them.
create table sekisho.audit_checkpoint (
  tid        text not null,
  seq        bigint not null,
  token      text not null,
  signed_at  timestamptz not null,
  primary key (tid, seq)
);

-- How long rows and their personal data are kept, in days; null: for ever. Tid '*' stands for tenants without a row.
create table sekisho.audit_retention (
  tid            text primary key,
  audit_days     integer check (audit_days > 0),
  personal_days  integer check (personal_days > 0)
);

-- Keys that sign checkpoints: not among sekisho.signing_key, whose keys all nodes take for those of access tokens.
create table sekisho.audit_key (
  kid             text primary key,
  alg             text not null,
  public_jwk      jsonb not null,
  private_sealed  bytea not null,
  active_from     timestamptz not null,
  retired_at      timestamptz
);

-- One row: who seals, so that nodes share the work. Two that seal at once do no harm: see sekisho.seal_audit().
create table sekisho.audit_sealer (
  only_one       boolean primary key default true check (only_one),
  holder         text,
  claimed_until  timestamptz,
  -- Rows of before are put among the unsealed ones bit by bit (sekisho.find_old_audit()), so that nobody waits for it here:
  -- up to which one that is done, and whether to the end.
  old_tid        text not null default '',
  old_id         text not null default '',
  old_done       boolean not null default false,
  -- What was recorded before is sealed late, and is no news to event streams.
  begun_at       timestamptz not null
) with (fillfactor = 50);
insert into sekisho.audit_sealer (begun_at) values (clock_timestamp());

create function sekisho.audit_inserted() returns trigger
  language plpgsql
as $$
begin
  insert into sekisho.audit_unsealed (tid, id, at) values (new.tid, new.id, new.at);
  return null;
end $$;

-- Refuses every change of the trail, the owner's and a superuser's too, except by the two verbs: sekisho.prune_audit(), of
-- what a signed checkpoint covers, and sekisho.erase_audit(), of personal data alone.
create function sekisho.audit_guard() returns trigger
  language plpgsql
as $$
declare
  v_verb text := current_setting('sekisho.audit_verb', true);
begin
  if tg_op = 'DELETE' and v_verb = 'prune' then
    if tg_table_name = 'audit' then
      if exists (
        select 1 from sekisho.audit_seal s join sekisho.audit_chain c on c.tid = s.tid
         where s.tid = old.tid and s.id = old.id and s.seq <= c.base_seq) then return old; end if;
    elsif exists (
      select 1 from sekisho.audit_chain c where c.tid = old.tid and old.seq <= c.base_seq) then return old; end if;
  elsif tg_op = 'UPDATE' and v_verb = 'erase' then
    -- Details that are no object are none of ours, and hold nothing back.
    if tg_table_name = 'audit' and to_jsonb(new) = to_jsonb(old) || jsonb_build_object(
      'ip', null, 'user_agent', null, 'detail',
      case when jsonb_typeof(to_jsonb(old) -> 'detail') = 'object' then (to_jsonb(old) -> 'detail') - 'email'
           else to_jsonb(old) -> 'detail' end) then return new; end if;
    if tg_table_name = 'audit_seal' and to_jsonb(new) = to_jsonb(old) || '{"salt": null}' then return new; end if;
  end if;
  raise exception 'the audit trail is append-only' using errcode = '42501';
end $$;

-- It waits for whoever is inserting; whoever comes later goes by way of the trigger.
create trigger audit_inserted after insert on sekisho.audit for each row execute function sekisho.audit_inserted();

-- older nodes: they never change or remove a row of the trail; what is hidden from tenants is new
do $$
declare
  name     text;
  command  text;
begin
  foreach name in array array['audit', 'audit_seal', 'audit_checkpoint'] loop
    execute format(
      'create trigger audit_guard before update or delete on sekisho.%I for each row execute function sekisho.audit_guard()', name);
    execute format(
      'create trigger audit_guard_all before truncate on sekisho.%I for each statement execute function sekisho.audit_guard()', name);
  end loop;

  foreach name in array array['audit_unsealed', 'audit_seal', 'audit_chain', 'audit_checkpoint', 'audit_retention'] loop
    execute format('alter table sekisho.%I enable row level security', name);
    execute format('alter table sekisho.%I force row level security', name);
    execute format('create policy system_sees_all on sekisho.%I to sekisho_system using (true) with check (true)', name);
    execute format(
      'create policy own_tenant on sekisho.%I to sekisho_tenant using (tid = sekisho.current_tid()) with check (tid = sekisho.current_tid())',
      name);
  end loop;

  -- The verbs that prune and erase leave the roles behind: neither of these may change the trail.
  foreach name in array array['audit', 'audit_seal', 'audit_chain', 'audit_checkpoint'] loop
    foreach command in array array['select', 'update', 'delete'] loop
      execute format(
        $p$create policy %I on sekisho.%I for %s using (
          (select current_setting('sekisho.audit_verb', true) in ('prune', 'erase')
             and current_user not in ('sekisho_tenant', 'sekisho_system')))$p$,
        'verbs_' || command, name, command);
    end loop;
  end loop;
end $$;

grant select, insert on sekisho.audit_unsealed to sekisho_tenant, sekisho_system;
grant delete on sekisho.audit_unsealed to sekisho_system;
grant select on sekisho.audit_seal, sekisho.audit_chain, sekisho.audit_checkpoint, sekisho.audit_retention to sekisho_tenant, sekisho_system;
grant insert on sekisho.audit_seal, sekisho.audit_checkpoint to sekisho_system;
grant insert, update on sekisho.audit_chain, sekisho.audit_sealer to sekisho_system;
grant insert, update, delete on sekisho.audit_retention to sekisho_system;
grant select, insert, update on sekisho.audit_key to sekisho_system;
grant select on sekisho.audit_sealer to sekisho_tenant, sekisho_system;
