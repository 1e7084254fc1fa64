-- Takes an operation id for the running transaction, before anything else is written: from here on nobody can call it
-- abandoned. Another transaction that is about to do the same is waited for.
--   p_generation, p_position  the name of its first entry, which is written next; null when it has none
--   p_hand_in                 HAND IN: an abandonment does not hold it up, whoever made it, and neither does a lost name
-- Result: false when the id has been decided meanwhile.
create or replace function sekisho.claim_operation(
  p_id text, p_tid text, p_generation text, p_position bigint, p_now timestamptz, p_hand_in boolean)
  returns boolean
  language plpgsql volatile
as $$
begin
  if not p_hand_in then
    insert into sekisho.operation (id, tid, outcome, generation, position, decided_at)
    values (p_id, p_tid, 'committed', p_generation, p_position, p_now)
        on conflict (id) do nothing;
  else
    insert into sekisho.operation as o (id, tid, outcome, generation, position, decided_at)
    values (p_id, p_tid, 'committed', p_generation, p_position, p_now)
        on conflict (id) do update
       set outcome = 'committed', tid = excluded.tid, generation = excluded.generation, position = excluded.position,
           decided_at = excluded.decided_at
     where o.outcome = 'abandoned' or not sekisho.in_history(o.generation, o.position);
  end if;
  return found;
end $$;
