-- Prunes the trail of a tenant up to a signed checkpoint, p_batch rows at a time; verification begins from it afterwards.
-- The roles may not delete (ASVS 16.4.2): sekisho.prune_sealed does, with the rights of the schema's owner.
--   p_seq, p_hash, p_token  the checkpoint, and what the key says of pruning up to it
-- Result: how many rows went; fewer than p_batch: it is done.
create or replace function sekisho.prune_audit(
  p_tid text, p_seq bigint, p_hash bytea, p_token text, p_batch integer) returns integer
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  update sekisho.audit_chain c set base_seq = p_seq, base_hash = p_hash, base_token = p_token
   where c.tid = p_tid
     -- Said again by a newer key, or moved on to a place where the chain has been; never back.
     and (c.base_seq = p_seq and c.base_hash = p_hash
       or c.base_seq < p_seq and exists (
         select 1 from sekisho.audit_seal s where s.tid = p_tid and s.seq = p_seq and s.hash = p_hash));
  return sekisho.prune_sealed(p_tid, p_seq, p_batch);
end $$;
