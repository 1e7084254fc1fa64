-- Pauses sweeping and clean-up on every node, or lets them go on.
create or replace function sekisho.pause_sweep(p_paused boolean) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  insert into sekisho.sweep as w (paused, paused_at) values (p_paused, case when p_paused then clock_timestamp() end)
      on conflict (only_one) do update
     set paused = excluded.paused,
         paused_at = case when excluded.paused then coalesce(w.paused_at, excluded.paused_at) end,
         paused_by = case when excluded.paused then w.paused_by end;
end $$;
