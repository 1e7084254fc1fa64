-- First sights of access tokens, in a batch, of any tenants: an answer whose access token was seen was delivered.
--   p_tids, p_sids, p_rots  one element a sight, in any order, repeats allowed; sessions that are gone do not count
-- Result: [{tid, uid, sid, rot}], the sights of answers that were replaced, in sessions that are alive: somebody else got
-- what was taken for lost. Said again at each call until the session has ended. Of a chain that re-authentication has
-- ended nothing is said: whoever got what belongs to it has nothing any more.
-- Rows are locked in one order, so that two batches cannot wait for each other; only those that change.
create or replace function sekisho.sighted(p_tids text[], p_sids text[], p_rots integer[], p_now_ms bigint)
  returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  perform from sekisho.session s
    join (
      select tid, sid, max(rot) as rot from unnest(p_tids, p_sids, p_rots) as i (tid, sid, rot) group by tid, sid
    ) i on i.tid = s.tid and i.sid = s.sid
   where i.rot >= s.rot and i.rot > s.seen_rot
   order by s.tid, s.sid
     for no key update of s;
  update sekisho.session s set seen_rot = i.rot
    from (
      select tid, sid, max(rot) as rot from unnest(p_tids, p_sids, p_rots) as i (tid, sid, rot) group by tid, sid
    ) i
   where s.tid = i.tid and s.sid = i.sid and i.rot >= s.rot and i.rot > s.seen_rot;

  -- Begun after the update: a lost answer that was given again meanwhile is told here.
  return (
    select coalesce(jsonb_agg(jsonb_build_object('tid', j.tid, 'uid', j.uid, 'sid', j.sid, 'rot', i.rot)), '[]')
      from (select distinct tid, sid, rot from unnest(p_tids, p_sids, p_rots) as i (tid, sid, rot)) i
      join sekisho.session s on s.tid = i.tid and s.sid = i.sid and s.chain_rot <= i.rot
      join sekisho.judged_session(sekisho.from_ms(p_now_ms)) j on j.tid = i.tid and j.sid = i.sid
     where i.rot < j.rot and j.state = 'active'
       and not exists (
         select from sekisho.refresh_used r where r.tid = i.tid and r.sid = i.sid and r.rot = i.rot));
end $$;
