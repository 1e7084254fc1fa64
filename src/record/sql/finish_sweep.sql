-- Ends a sweep: everything that any node noted up to p_through_ms has been written. Nothing moves while sweeping is paused.
--   p_servers  what the hub's servers said of themselves at the sweep's end
-- Result: false when sweeping is paused.
create or replace function sekisho.finish_sweep(
  p_number bigint, p_through_ms bigint, p_servers jsonb, p_progress jsonb) returns boolean
  language plpgsql volatile
as $$
declare
  v_through timestamptz := sekisho.from_ms(p_through_ms);
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  update sekisho.sweep w
     set swept_through = greatest(w.swept_through, v_through),
         finished = case when w.swept_through < v_through then greatest(w.finished, p_number) else w.finished end,
         servers = case when w.swept_through < v_through and w.finished < p_number then p_servers else w.servers end,
         progress = case when w.number = p_number then p_progress else w.progress end,
         claimed_until = case when w.number = p_number then null else w.claimed_until end
   where not w.paused;
  return found;
end $$;
