-- The policy of a tenant that is in force at a time: its own, or the one that overrides it until later, under what
-- operators have decided for all tenants. The one by which tokens are made and attempts are limited.
-- An access token ends in time for what follows an override, so that nothing need be said when it does; and it never lives
-- longer than a session may be idle.
create or replace function sekisho.policy_at(p_tenant sekisho.tenant, p_now timestamptz) returns jsonb
  language sql stable parallel safe
as $$
  select case
           when o.lifetimes is null and o.limits is null and not p.overridden then p_tenant.policy
           else p.present || jsonb_build_object(
             'access_ttl', least(
               (p.present ->> 'access_ttl')::integer,
               case when p.overridden then greatest(
                 (p_tenant.policy ->> 'access_ttl')::integer,
                 floor(extract(epoch from p_tenant.override_until - p_now))::integer) end,
               (o.lifetimes ->> 'access_ttl')::integer, (o.lifetimes ->> 'idle_timeout')::integer),
             'idle_timeout', least(
               (p.present ->> 'idle_timeout')::integer, (o.lifetimes ->> 'idle_timeout')::integer),
             'absolute_timeout', least(
               (p.present ->> 'absolute_timeout')::integer, (o.lifetimes ->> 'absolute_timeout')::integer),
             'login_limit', sekisho.tighter_limit(p.present -> 'login_limit', o.limits))
         end
    from (
      select coalesce(p_tenant.override_until > p_now, false) as overridden,
             case when p_tenant.override_until > p_now then p_tenant.override_policy else p_tenant.policy end as present
    ) p
   cross join (
      select sekisho.override_at('lifetimes', p_now) as lifetimes, sekisho.override_at('limits', p_now) as limits
    ) o
$$;
