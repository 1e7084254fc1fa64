-- Notes that last-seen times which were not yet swept are gone: whoever was not idle by what was swept before counts as
-- seen at p_now_ms (sekisho.presumed_seen). Losses between two sweeps are one.
-- Those that nobody's idleness can depend on any more are dropped; of very many the two oldest become one, in the users'
-- favour.
create or replace function sekisho.lose_last_seen(p_now_ms bigint) returns void
  language plpgsql volatile
as $$
declare
  LONGEST_IDLE constant interval := '31 days';
  MOST_LOSSES  constant integer := 256;
  v_now    timestamptz := sekisho.from_ms(p_now_ms);
  v_sweep  sekisho.sweep;
  v_last   integer;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  insert into sekisho.sweep default values on conflict do nothing;
  select * into v_sweep from sekisho.sweep for update;
  while v_sweep.lost_at[1] + LONGEST_IDLE < v_sweep.swept_through loop
    v_sweep.lost_through := v_sweep.lost_through[2:];
    v_sweep.lost_at := v_sweep.lost_at[2:];
  end loop;
  v_last := cardinality(v_sweep.lost_at);
  if v_last > 0 and v_sweep.lost_through[v_last] = v_sweep.swept_through then
    v_sweep.lost_at[v_last] := greatest(v_sweep.lost_at[v_last], v_now);
  else
    if v_last = MOST_LOSSES then
      v_sweep.lost_through := v_sweep.lost_through[1:1] || v_sweep.lost_through[3:];
      v_sweep.lost_at := v_sweep.lost_at[2:];
    end if;
    v_sweep.lost_through := v_sweep.lost_through || v_sweep.swept_through;
    v_sweep.lost_at := v_sweep.lost_at || v_now;
  end if;
  update sekisho.sweep set lost_through = v_sweep.lost_through, lost_at = v_sweep.lost_at;
end $$;
