-- Keeps a claim on clean-up, and says how far it is.
--   p_claim_ms  0 gives it up
--   p_finished  it came to its end
--   p_progress  CleanupProgress (src/record/cleanup-contract.ts)
-- Result: false when another node has begun a run since.
create or replace function sekisho.renew_cleanup(p_run bigint, p_claim_ms bigint, p_finished boolean, p_progress jsonb)
  returns boolean
  language plpgsql volatile
as $$
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  update sekisho.operations
     set progress = p_progress,
         claimed_until = clock_timestamp() + p_claim_ms * interval '1 millisecond',
         finished_at = case when p_finished then clock_timestamp() else finished_at end
   where run = p_run;
  return found;
end $$;
