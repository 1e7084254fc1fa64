-- What would have to be known of a tenant's past policies after a change `policy_put`, or else somebody's session would come
-- back to life (put_policy, judged_session).
--   p_tenant  as it is before the change
--   c         the Change (src/record/contract.ts)
-- Result: time-outs, and up to when they were in force.
create or replace function sekisho.past_policies(p_tenant sekisho.tenant, c jsonb, p_now timestamptz)
  returns table (absolute_s integer, idle_s integer, until_at timestamptz)
  language sql stable parallel safe
as $$
  with spell (n, policy, until_at) as (
    -- The override, which may have ended by itself; what was in force for good, if it was; and what comes.
    values (1, p_tenant.override_policy, least(p_tenant.override_until, p_now)),
           (2, p_tenant.policy, case when p_tenant.override_until > p_now then null else p_now end),
           (3, c -> 'policy', coalesce(sekisho.from_ms((c ->> 'overrideUntilMs')::bigint), 'infinity'))
  ), timed as (
    select s.n, (s.policy ->> 'absolute_timeout')::integer as absolute_s,
           (s.policy ->> 'idle_timeout')::integer as idle_s, s.until_at
      from spell s where s.policy is not null and s.until_at is not null
  ), past as (
    select 0 as n, k.*
      from unnest(p_tenant.past_absolute_s, p_tenant.past_idle_s, p_tenant.past_until) k (absolute_s, idle_s, until_at)
     -- Longer than any session lives.
     where k.until_at > p_now - interval '40 days'
     union all
    select * from timed s where s.n < 3
  )
  -- One that a later one implies, being as short and lasting longer, need not be known: so a tenant whose policy
  -- only ever gets shorter keeps none, and one that goes to and fro between two keeps one.
  select k.absolute_s, k.idle_s, k.until_at
    from past k
   where not exists (
     select from timed s
      where s.n > k.n and s.absolute_s <= k.absolute_s and s.idle_s <= k.idle_s and s.until_at >= k.until_at)
$$;
