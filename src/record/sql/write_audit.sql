-- Writes audit rows that belong to no other write, of any tenants.
--   p_events  NewAuditEvent[]
create or replace function sekisho.write_audit(p_events jsonb) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  perform sekisho.append_audit(p_events);
end $$;
