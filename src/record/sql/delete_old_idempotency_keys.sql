-- Clean-up: removes at most p_batch idempotency keys first used before p_before_ms; rows that somebody else holds are left for the next batch.
-- Result: how many it removed.
create or replace function sekisho.delete_old_idempotency_keys(p_before_ms bigint, p_batch integer) returns integer
  language plpgsql volatile
as $$
declare
  v_removed integer;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  delete from sekisho.idempotency_key
   where (tid, uid, key) in (
     select tid, uid, key from sekisho.idempotency_key
      where created_at < sekisho.from_ms(p_before_ms)
      order by created_at
      limit p_batch
        for update skip locked);
  get diagnostics v_removed = row_count;
  return v_removed;
end $$;
