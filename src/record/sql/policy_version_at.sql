-- The version of a tenant's policy at a time, for ETag and If-Match: an override that ends by itself makes one more.
create or replace function sekisho.policy_version_at(p_tenant sekisho.tenant, p_now timestamptz) returns integer
  language sql stable parallel safe
as $$
  select p_tenant.policy_version + coalesce(p_tenant.override_until <= p_now, false)::integer
$$;
