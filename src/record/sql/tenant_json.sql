-- A tenant as it leaves the record: everything but its policies (see tenantOf in rows.ts).
create or replace function sekisho.tenant_json(p_tenant sekisho.tenant) returns jsonb
  language sql stable parallel safe
as $$
  select to_jsonb(p_tenant)
       - array['policy', 'policy_version', 'override_policy', 'override_until', 'past_absolute_s', 'past_idle_s', 'past_until']
$$;
