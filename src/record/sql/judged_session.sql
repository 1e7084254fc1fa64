-- Sessions with the judgement on each: the one predicate by which the record finds a session alive, at refresh, in the
-- device cap, in lists and in clean-up. STABLE, so it reads by the snapshot of the statement that calls it, and so
-- plain that the planner takes it into that statement; but what is computed of a session once (offset 0), or the planner
-- would copy the whole computation to each place that speaks of its result.
--   p_now  wall time of the caller
-- Result, beside the session's own columns (none of its hashes):
--   expires_at  the absolute end under the session's own policy, the tenant's present one and what follows that, and the
--               operators' ceilings, whichever is earliest; or under what was in force before, where it came to it
--   state       active | expired | revoked
--   why         what expired it: absolute | idle; null while neither has
-- Floors: one with a higher epoch than the session's revokes it, unless it spares this very session. Idleness is judged
-- against swept_through, not against p_now: while nothing sweeps, nobody grows idle. What was lost before it was swept
-- counts in the users' favour (sekisho.presumed_seen).
-- What held for a while, an override of the policy, a ceiling, or a policy that was replaced (put_policy), counts up to its
-- end: a session that came to its end under it stays expired, whatever follows, and one that did not is judged by what
-- follows, at once and without anybody doing anything.
create or replace function sekisho.judged_session(p_now timestamptz)
  returns table (
    tid text, sid text, uid text, device_name text, device_kind text, ip text, user_agent text, amr text[],
    auth_time timestamptz, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz,
    generation text, epoch bigint, rot integer, state text, why text)
  language sql stable parallel safe
as $$
  select s.tid, s.sid, s.uid, s.device_name, s.device_kind, s.ip, s.user_agent, s.amr,
         s.auth_time, s.created_at, s.last_seen_at, l.expires_at, s.generation, s.epoch, s.rot,
         case
           when s.ended_how <> 'expired' then 'revoked'
           -- By whole keys, each in a look-up of its own, so that it costs three probes however many floors a tenant has.
           -- Joined to a list of keys, the policy of row-level security is what the planner may go by: all of a tenant's.
           when exists (
             select from sekisho.floor f where f.tid = s.tid and f.uid = s.uid
                and f.epoch > s.epoch and f.spared_sid is distinct from s.sid
           ) or exists (
             select from sekisho.floor f where f.tid = s.tid and f.uid = ''
                and f.epoch > s.epoch and f.spared_sid is distinct from s.sid
           ) or exists (
             select from sekisho.floor f where f.tid = '*' and f.uid = ''
                and f.epoch > s.epoch and f.spared_sid is distinct from s.sid
           ) then 'revoked'
           when s.ended_how = 'expired' or l.past_end or l.idle then 'expired'
           else 'active'
         end,
         case when l.past_end then 'absolute' when l.idle or s.ended_how = 'expired' then 'idle' end
    from sekisho.session s
    join sekisho.tenant t on t.tid = s.tid
   cross join lateral (
     select e.expires_at, p_now >= e.expires_at as past_end,
            exists (
              select from (
                  -- How long it may be idle, and up to when that is asked for.
                  values (least(s.idle_timeout_s,
                                (case when t.override_until > p_now then t.override_policy else t.policy end
                                  ->> 'idle_timeout')::integer), 'infinity'::timestamptz),
                         ((t.override_policy ->> 'idle_timeout')::integer, t.override_until)
                   union all
                  select p.seconds, p.until_at
                    from unnest(t.past_idle_s, t.past_until) p (seconds, until_at)
                   where t.past_until is not null and p.until_at > s.last_seen_at
                   union all
                  select (o.value ->> 'idle_timeout')::integer, o.until_at
                    from sekisho.override o where o.kind = 'lifetimes'
                ) i (seconds, until_at)
               cross join lateral (
                  select case when (select w.lost_at <> '{}' from sekisho.sweep w)
                              then sekisho.presumed_seen(s.last_seen_at, i.seconds * interval '1 second',
                                     (select w.lost_through from sekisho.sweep w),
                                     (select w.lost_at from sekisho.sweep w))
                              else s.last_seen_at
                         end + i.seconds * interval '1 second' as idle_at
                  offset 0
                ) n
               where n.idle_at < i.until_at and n.idle_at < (select w.swept_through from sekisho.sweep w)
            ) as idle
       from (
         select least(
             s.absolute_end_at,
             case
               when s.created_at + (t.override_policy ->> 'absolute_timeout')::integer * interval '1 second'
                    < t.override_until
               then s.created_at + (t.override_policy ->> 'absolute_timeout')::integer * interval '1 second'
               else greatest(
                 t.override_until, s.created_at + (t.policy ->> 'absolute_timeout')::integer * interval '1 second')
             end,
             -- Rows of the tenant's own, so that one whose policy never changed pays nothing for it.
             case when t.past_until is not null then (
               select min(s.created_at + p.seconds * interval '1 second')
                 from unnest(t.past_absolute_s, t.past_until) p (seconds, until_at)
                where s.created_at + p.seconds * interval '1 second' < p.until_at) end,
             (select min(s.created_at + (o.value ->> 'absolute_timeout')::integer * interval '1 second')
                from sekisho.override o
               where o.kind = 'lifetimes'
                 and s.created_at + (o.value ->> 'absolute_timeout')::integer * interval '1 second' < o.until_at)
           ) as expires_at
        offset 0
       ) e
     offset 0
   ) l
$$;
