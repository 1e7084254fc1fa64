-- The idle time-outs of several tenants by their present policies.
-- Result: { tid: seconds }, without those that no tenant has.
create or replace function sekisho.idle_timeouts(p_tids text[]) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true);
  return (
    select coalesce(jsonb_object_agg(t.tid, t.policy -> 'idle_timeout'), '{}')
      from sekisho.tenant t where t.tid = any (p_tids));
end $$;
