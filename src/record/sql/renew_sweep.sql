-- Keeps a claim on sweeping, and says how far the sweep is.
--   p_progress  SweepProgress (src/record/sweep-contract.ts), for people
-- Result: false when another node has begun a sweep since.
create or replace function sekisho.renew_sweep(p_holder text, p_number bigint, p_claim_ms bigint, p_progress jsonb)
  returns boolean
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  update sekisho.sweep
     set holder = p_holder, progress = p_progress,
         claimed_until = clock_timestamp() + p_claim_ms * interval '1 millisecond'
   where number = p_number;
  return found;
end $$;
