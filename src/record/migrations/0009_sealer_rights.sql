-- What a node's login may say of the trail (ASVS 13.2.2, 16.4.2): whose turn it is to seal, and where a chain stands. Since when
-- rows are sealed, up to where older ones were looked for, and where verification begins, functions of the owner say
-- (sekisho.note_old_audit(), sekisho.prune_sealed()): rows that are dated back are judged by the first two, and pruning by the third.

-- older nodes: they never wrote to these tables
revoke insert, update on sekisho.audit_sealer from sekisho_system;
grant update (holder, claimed_until) on sekisho.audit_sealer to sekisho_system;
-- older nodes: they never wrote to these tables
revoke insert, update on sekisho.audit_chain from sekisho_system;
grant insert (tid, seq, hash) on sekisho.audit_chain to sekisho_system;
grant update (seq, hash, signed_seq, signed_token, unsigned_since, kept_hour, erased_through) on sekisho.audit_chain to sekisho_system;
-- older nodes: they never called it; it pruned wherever a chain was said to begin
drop function if exists sekisho.prune_sealed(text, bigint, integer);

-- locks briefly: one row
update sekisho.audit_sealer set old_done_at = clock_timestamp() where old_done and old_done_at is null;

create function sekisho.audit_sealer_guard() returns trigger
  language plpgsql
as $$
begin
  if new.begun_at is distinct from old.begun_at
     or old.old_done and not new.old_done
     or old.old_done_at is not null and new.old_done_at is distinct from old.old_done_at then
    raise exception 'since when rows are sealed never changes' using errcode = '42501';
  end if;
  return new;
end $$;
create trigger audit_sealer_guard before update on sekisho.audit_sealer
  for each row execute function sekisho.audit_sealer_guard();
