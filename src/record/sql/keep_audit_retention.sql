-- Sets how long rows and their personal data are kept, in days (null: for ever), and writes its audit row.
--   p_tid    '*': of all tenants that have nothing of their own
--   p_drop   the tenant follows the others again
create or replace function sekisho.keep_audit_retention(
  p_tid text, p_audit_days integer, p_personal_days integer, p_drop boolean, p_audit jsonb) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  if p_drop then
    delete from sekisho.audit_retention where tid = p_tid;
  else
    insert into sekisho.audit_retention (tid, audit_days, personal_days) values (p_tid, p_audit_days, p_personal_days)
        on conflict (tid) do update set audit_days = excluded.audit_days, personal_days = excluded.personal_days;
  end if;
  perform sekisho.append_audit(p_audit);
end $$;
