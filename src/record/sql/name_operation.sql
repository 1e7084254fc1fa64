-- COMMIT: writes down which entry an operation has. One that was called abandoned is overruled: whoever may not do that has
-- called claim_operation.
create or replace function sekisho.name_operation(
  p_id text, p_tid text, p_generation text, p_position bigint, p_now timestamptz) returns void
  language plpgsql volatile
as $$
begin
  insert into sekisho.operation as o (id, tid, outcome, generation, position, decided_at)
  values (p_id, p_tid, 'committed', p_generation, p_position, p_now)
      on conflict (id) do update
     set outcome = 'committed', generation = excluded.generation, position = excluded.position;
end $$;
