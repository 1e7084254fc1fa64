-- BARRIER: who has to acknowledge. An update of the caller's own row, so that neither a read replica nor a primary that may
-- no longer commit can answer it; the members are read by the statement after it.
-- Result: null when the caller's row is gone; otherwise HistoryCheck with {settled, members}.
create or replace function sekisho.list_for_barrier(p_id text) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  update sekisho.member set beat = beat + 1 where id = p_id;
  if not found then return null; end if;
  return (
    select sekisho.history() || jsonb_build_object(
        'settled', g.settled,
        'members', (select jsonb_agg(to_jsonb(m) order by m.joined_at, m.id) from sekisho.member m))
      from sekisho.head h
      join sekisho.generation g on g.id = h.generation);
end $$;
