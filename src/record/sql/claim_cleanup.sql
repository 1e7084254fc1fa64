-- Claims clean-up for one node, by the record's own clock; work sharing only: two that clean up at once do no harm.
--   p_claim_ms  how long the claim holds unless it is renewed
--   p_every_ms  from the end of one run to the beginning of the next
-- Result: CleanupClaim (src/record/cleanup-contract.ts).
create or replace function sekisho.claim_cleanup(p_holder text, p_claim_ms bigint, p_every_ms bigint) returns jsonb
  language plpgsql volatile
as $$
declare
  v_now   timestamptz;
  v_seen  sekisho.operations;
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  if (select w.paused from sekisho.sweep w) then return jsonb_build_object('kind', 'paused'); end if;
  select * into strict v_seen from sekisho.operations for update;
  v_now := clock_timestamp();
  if v_seen.holder <> p_holder and v_seen.claimed_until > v_now then
    return jsonb_build_object('kind', 'held', 'holder', v_seen.holder);
  elsif v_seen.finished_at + p_every_ms * interval '1 millisecond' > v_now then
    return jsonb_build_object('kind', 'early');
  end if;
  update sekisho.operations
     set run = run + 1, holder = p_holder, begun_at = v_now, progress = '{}',
         claimed_until = v_now + p_claim_ms * interval '1 millisecond'
   returning * into v_seen;
  return jsonb_build_object('kind', 'claimed', 'run', v_seen.run);
end $$;
