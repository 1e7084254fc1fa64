-- Claims the sweeping of last-seen times for one node, by the record's own clock; work sharing only.
--   p_claim_ms  how long the claim holds unless it is renewed
--   p_every_ms  from the beginning of one sweep to that of the next
-- Result: SweepClaim (src/record/sweep-contract.ts).
create or replace function sekisho.claim_sweep(p_holder text, p_claim_ms bigint, p_every_ms bigint) returns jsonb
  language plpgsql volatile
as $$
declare
  v_now    timestamptz;
  v_sweep  sekisho.sweep;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  insert into sekisho.sweep default values on conflict do nothing;
  select * into v_sweep from sekisho.sweep for update;
  v_now := clock_timestamp();
  if v_sweep.paused then return jsonb_build_object('kind', 'paused'); end if;
  if v_sweep.holder <> p_holder and v_sweep.claimed_until > v_now then
    return jsonb_build_object('kind', 'held', 'holder', v_sweep.holder, 'progress', v_sweep.progress);
  end if;
  if v_sweep.begun_at + p_every_ms * interval '1 millisecond' > v_now then
    return jsonb_build_object('kind', 'early');
  end if;
  update sekisho.sweep
     set number = number + 1, holder = p_holder, begun_at = v_now, progress = null,
         claimed_until = v_now + p_claim_ms * interval '1 millisecond'
   returning * into v_sweep;
  return jsonb_build_object(
    'kind', 'claimed', 'number', v_sweep.number, 'finished', v_sweep.finished,
    'sweptThroughMs', sekisho.to_ms(v_sweep.swept_through), 'servers', v_sweep.servers,
    'marks', (select coalesce(jsonb_object_agg(k.member, sekisho.to_ms(k.through)), '{}') from sekisho.seen_mark k));
end $$;
