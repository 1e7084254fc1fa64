-- Last-seen times in a batch, of any tenants: never moves one back, never revives a session.
--   p_tids, p_sids, p_at_ms  one element a session seen, in any order, repeats allowed
--   p_swept_through_ms       up to when last-seen times are complete once this batch is written; only moves forward
-- Rows are locked in one order, so that two batches cannot wait for each other, and only those that would change: what
-- two nodes sweep at once is written once. A session that had already ended, or grown idle by what was swept before, stays
-- so; that is judged as of the newest time in the batch.
-- While sweeping is paused, swept_through stands still.
create or replace function sekisho.touch_sessions(
  p_tids text[], p_sids text[], p_at_ms bigint[], p_swept_through_ms bigint) returns void
  language plpgsql volatile
as $$
declare
  v_swept timestamptz := sekisho.from_ms(p_swept_through_ms);
  v_now   timestamptz := sekisho.from_ms((select max(at_ms) from unnest(p_at_ms) at_ms));
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  -- Both by key, one session after the other (lateral, offset 0): a planner that joins a batch with all sessions, judged or
  -- locked one way or the other, makes the time of a batch grow with them.
  perform from (
            select tid, sid, sekisho.from_ms(max(at_ms)) as at
              from unnest(p_tids, p_sids, p_at_ms) as i (tid, sid, at_ms)
             group by tid, sid
             order by tid, sid
            offset 0
          ) i
    cross join lateral (
            select from sekisho.session s
             where s.tid = i.tid and s.sid = i.sid and s.last_seen_at < i.at
               for no key update
          ) l;
  update sekisho.session s set last_seen_at = i.at
    from (
      select tid, sid, sekisho.from_ms(max(at_ms)) as at
        from unnest(p_tids, p_sids, p_at_ms) as i (tid, sid, at_ms)
       group by tid, sid
    ) i
   cross join lateral (
      select j.state from sekisho.judged_session(v_now) j where j.tid = i.tid and j.sid = i.sid offset 0
    ) j
   where s.tid = i.tid and s.sid = i.sid and s.last_seen_at < i.at and j.state = 'active';
  insert into sekisho.sweep as w (swept_through) values (v_swept)
      on conflict (only_one) do update set swept_through = excluded.swept_through
   where w.swept_through < excluded.swept_through and not w.paused;
end $$;
