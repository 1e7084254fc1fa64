-- The longest idle time-outs of several tenants: what is shortened for a while may be long again before a time that was
-- noted under it has been swept.
-- Result: { tid: seconds }, without those that no tenant has.
create or replace function sekisho.idle_timeouts(p_tids text[]) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true);
  return (
    select coalesce(jsonb_object_agg(t.tid, greatest(
             (t.policy ->> 'idle_timeout')::integer, (t.override_policy ->> 'idle_timeout')::integer)), '{}')
      from sekisho.tenant t where t.tid = any (p_tids));
end $$;
