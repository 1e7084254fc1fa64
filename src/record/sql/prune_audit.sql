-- Prunes the trail of a tenant up to a signed checkpoint, p_batch rows at a time; verification begins from it afterwards.
-- It leaves the roles behind, which may not delete (ASVS 16.4.2).
--   p_seq, p_hash, p_token  the checkpoint, and what the key says of pruning up to it
-- Result: how many rows went; fewer than p_batch: it is done.
create or replace function sekisho.prune_audit(
  p_tid text, p_seq bigint, p_hash bytea, p_token text, p_batch integer) returns integer
  language plpgsql volatile
as $$
declare
  v_from     bigint;
  v_removed  integer;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  update sekisho.audit_chain c set base_seq = p_seq, base_hash = p_hash, base_token = p_token
   where c.tid = p_tid
     -- Said again by a newer key, or moved on to a place where the chain has been; never back.
     and (c.base_seq = p_seq and c.base_hash = p_hash
       or c.base_seq < p_seq and exists (
         select 1 from sekisho.audit_seal s where s.tid = p_tid and s.seq = p_seq and s.hash = p_hash));
  perform 1 from sekisho.audit_chain c where c.tid = p_tid and c.base_seq = p_seq;
  if not found then return 0; end if;
  perform set_config('role', 'none', true), set_config('sekisho.audit_verb', 'prune', true), sekisho.by_index();
  select min(s.seq) into v_from from sekisho.audit_seal s where s.tid = p_tid;
  delete from sekisho.audit a
   using sekisho.audit_seal s
   where s.tid = p_tid and s.seq >= v_from and s.seq < v_from + p_batch and s.seq <= p_seq
     and a.tid = p_tid and a.id = s.id;
  delete from sekisho.audit_seal s
   where s.tid = p_tid and s.seq >= v_from and s.seq < v_from + p_batch and s.seq <= p_seq;
  get diagnostics v_removed = row_count;
  if v_removed < p_batch then
    delete from sekisho.audit_checkpoint k where k.tid = p_tid and k.seq < p_seq;
  end if;
  perform set_config('sekisho.audit_verb', '', true);
  return v_removed;
end $$;
