-- Clean-up: removes at most p_batch sessions that ended, or reached their absolute end, before p_before_ms; their used
-- refresh tokens go with them. A row that somebody else holds is left for the next batch.
-- Result: how many it removed.
create or replace function sekisho.delete_ended_sessions(p_before_ms bigint, p_batch integer) returns integer
  language plpgsql volatile
as $$
declare
  v_removed integer;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  delete from sekisho.session s
   where (s.tid, s.sid) in (
     select e.tid, e.sid from sekisho.session e
      where least(e.absolute_end_at, e.ended_at) < sekisho.from_ms(p_before_ms)
      order by least(e.absolute_end_at, e.ended_at)
      limit p_batch
        for update skip locked);
  get diagnostics v_removed = row_count;
  return v_removed;
end $$;
