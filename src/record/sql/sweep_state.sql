-- How sweeping stands, for operators and for nodes that ask whether it is paused.
-- Result: SweepState (src/record/sweep-contract.ts).
create or replace function sekisho.sweep_state() returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true);
  return coalesce(
    (select jsonb_build_object(
              'paused', w.paused, 'number', w.number, 'finished', w.finished,
              'holder', case when w.claimed_until > clock_timestamp() then w.holder end,
              'progress', w.progress, 'sweptThroughMs', sekisho.to_ms(w.swept_through),
              'lostAtMs', (select sekisho.to_ms(max(l)) from unnest(w.lost_at) l))
       from sekisho.sweep w),
    jsonb_build_object(
      'paused', false, 'number', 0, 'finished', 0, 'holder', null, 'progress', null, 'sweptThroughMs', 0,
      'lostAtMs', null));
end $$;
