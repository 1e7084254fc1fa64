-- FORGET, the record's side: moves the horizon up to the entry before the first one that was committed at p_before_ms or
-- later. Nodes that join take in what lies above it; the rows stay, for administrators to read. Never back.
-- Result: the horizon.
create or replace function sekisho.forget_log(p_before_ms bigint) returns bigint
  language plpgsql volatile
as $$
declare
  v_horizon  bigint;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  -- No entry can be appended meanwhile: the head's lock is what appending takes.
  perform from sekisho.head for no key update;
  update sekisho.head h
     set horizon = greatest(h.horizon, coalesce(
           (select r.position - 1 from sekisho.revocation r
             where r.position > h.horizon and r.committed_at >= sekisho.from_ms(p_before_ms)
             order by r.position limit 1),
           h.position))
    returning h.horizon into strict v_horizon;
  return v_horizon;
end $$;
