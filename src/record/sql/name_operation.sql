-- COMMIT: writes down which entry an operation has. One that was called abandoned is overruled: whoever may not do that has
-- called claim_operation.
create or replace function sekisho.name_operation(p_entry sekisho.revocation) returns void
  language plpgsql volatile
as $$
begin
  insert into sekisho.operation as o (id, tid, outcome, generation, position, decided_at)
  values (p_entry.operation_id, p_entry.tid, 'committed', p_entry.generation, p_entry.position, p_entry.committed_at)
      on conflict (id) do update
     set outcome = 'committed', generation = excluded.generation, position = excluded.position;
end $$;
