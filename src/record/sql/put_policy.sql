-- Replaces the policy of a tenant, for a while or for good, under its lock: what is there for good stays beneath what is
-- there for a while. Keeps of the policies that were in force before what judged_session must know: a session that came to
-- its end under one of them stays expired, although nobody had come by to write it down.
--   c  a Change `policy_put` (src/record/contract.ts)
-- Result: the policy's version. An override that ended by itself made a version of its own (see policy_version_at).
create or replace function sekisho.put_policy(p_tid text, c jsonb, p_now timestamptz) returns integer
  language plpgsql volatile
as $$
declare
  -- Longer than any session lives.
  c_kept     constant interval := interval '40 days';
  v_until    timestamptz := sekisho.from_ms((c ->> 'overrideUntilMs')::bigint);
  v_version  integer;
begin
  update sekisho.tenant t
     set policy = case when v_until is null then c -> 'policy' else t.policy end,
         override_policy = case when v_until is not null then c -> 'policy' end,
         override_until = v_until,
         policy_version = sekisho.policy_version_at(t, p_now) + 1,
         (past_absolute_s, past_idle_s, past_until) = (
           with spell (n, policy, until_at) as (
             -- The override, which may have ended by itself; what was in force for good, if it was; and what comes.
             values (1, t.override_policy, least(t.override_until, p_now)),
                    (2, t.policy, case when t.override_until > p_now then null else p_now end),
                    (3, c -> 'policy', coalesce(v_until, 'infinity'))
           ), timed as (
             select s.n, (s.policy ->> 'absolute_timeout')::integer as absolute_s,
                    (s.policy ->> 'idle_timeout')::integer as idle_s, s.until_at
               from spell s where s.policy is not null and s.until_at is not null
           ), past as (
             select 0 as n, k.*
               from unnest(t.past_absolute_s, t.past_idle_s, t.past_until) k (absolute_s, idle_s, until_at)
              where k.until_at > p_now - c_kept
              union all
             select * from timed s where s.n < 3
           )
           -- One that a later one implies, being as short and lasting longer, need not be known: so a tenant whose policy
           -- only ever gets shorter keeps none, and one that goes to and fro between two keeps one.
           select array_agg(k.absolute_s), array_agg(k.idle_s), array_agg(k.until_at)
             from past k
            where not exists (
              select from timed s
               where s.n > k.n and s.absolute_s <= k.absolute_s and s.idle_s <= k.idle_s and s.until_at >= k.until_at))
   where t.tid = p_tid
   returning t.policy_version into v_version;
  return v_version;
end $$;
