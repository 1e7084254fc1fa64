-- Prunes the trail of a tenant up to a signed checkpoint, p_batch rows at a time; verification begins from it afterwards.
-- The roles may not do it (ASVS 16.4.2): sekisho.prune_sealed does, with the rights of the schema's owner.
--   p_seq, p_hash, p_token  the checkpoint, and what the key says of pruning up to it
-- Result: how many rows went; fewer than p_batch: it is done.
create or replace function sekisho.prune_audit(
  p_tid text, p_seq bigint, p_hash bytea, p_token text, p_batch integer) returns integer
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  return sekisho.prune_sealed(p_tid, p_seq, p_hash, p_token, p_batch);
end $$;
