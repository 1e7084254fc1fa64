-- Takes an operation id for the running transaction, before anything else is written: from here on nobody can call it
-- abandoned. Another transaction that is about to do the same is waited for.
--   p_hand_in  HAND IN: an abandonment does not hold it up, whoever made it, and neither does a name that is lost
-- Result: false when the id has been decided meanwhile.
create or replace function sekisho.claim_operation(p_id text, p_tid text, p_now timestamptz, p_hand_in boolean)
  returns boolean
  language plpgsql volatile
as $$
begin
  insert into sekisho.operation as o (id, tid, outcome, decided_at)
  values (p_id, p_tid, 'committed', p_now)
      on conflict (id) do update
     set outcome = 'committed', tid = excluded.tid, generation = null, position = null, decided_at = excluded.decided_at
   where p_hand_in and (o.outcome = 'abandoned' or not sekisho.in_history(o.generation, o.position));
  return found;
end $$;
