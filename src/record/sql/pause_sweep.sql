-- Pauses sweeping and clean-up on every node, or lets them go on.
create or replace function sekisho.pause_sweep(p_paused boolean) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  insert into sekisho.sweep (paused) values (p_paused)
      on conflict (only_one) do update set paused = excluded.paused;
end $$;
