-- What became of an operation, as its own tenant may know it (null: operators').
--   p_abandon  UNKNOWN OUTCOME: an id that the record does not know is inserted as abandoned under the unique key, so that
--              it cannot happen afterwards; one that is being committed at this moment is waited for
-- DURABLE: what is answered of a row counts when it is as durable as that row was meant to be, and the row may be one whose
-- own wait for a standby was cancelled or cut short by a crash. So it is locked: that is a write, whose wait is after it.
-- Result: {kind: unknown | abandoned | committed, row, last}: the rows of the first entry and of the last that it appended,
-- if they are still kept. The n-th after the first is named '<id>.<n>' and is never there without those before it.
create or replace function sekisho.read_operation(p_tid text, p_id text, p_abandon boolean, p_now timestamptz)
  returns jsonb
  language plpgsql volatile
as $$
declare
  v_result  jsonb;
  v_last    text := p_id;
  v_n       integer := 1;
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  if p_abandon then
    insert into sekisho.operation (id, tid, outcome, decided_at) values (p_id, p_tid, 'abandoned', p_now)
        on conflict do nothing;
  end if;
  perform from sekisho.operation o where o.id = p_id and o.tid is not distinct from p_tid for key share;
  while exists (
    select from sekisho.operation o
     where o.id = p_id || '.' || v_n and o.tid is not distinct from p_tid and o.outcome = 'committed')
  loop
    v_last := p_id || '.' || v_n;
    v_n := v_n + 1;
  end loop;
  select jsonb_build_object('kind', o.outcome, 'row', to_jsonb(r), 'last', to_jsonb(l)) into v_result
    from sekisho.operation o
    left join sekisho.revocation r on r.operation_id = o.id and r.tid is not distinct from o.tid
    left join sekisho.revocation l on l.operation_id = v_last and l.tid is not distinct from o.tid
   where o.id = p_id and o.tid is not distinct from p_tid;
  return coalesce(v_result, jsonb_build_object('kind', 'unknown'));
end $$;
