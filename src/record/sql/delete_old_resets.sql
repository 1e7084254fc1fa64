-- Clean-up: removes at most p_batch password reset tokens that expired before p_before_ms; rows that somebody else holds are left for the next batch.
-- Result: how many it removed.
create or replace function sekisho.delete_old_resets(p_before_ms bigint, p_batch integer) returns integer
  language plpgsql volatile
as $$
declare
  v_removed integer;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  delete from sekisho.password_reset
   where (tid, token_hash) in (
     select tid, token_hash from sekisho.password_reset
      where expires_at < sekisho.from_ms(p_before_ms)
      order by expires_at
      limit p_batch
        for update skip locked);
  get diagnostics v_removed = row_count;
  return v_removed;
end $$;
