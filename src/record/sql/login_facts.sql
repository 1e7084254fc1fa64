-- EPOCH of a login by password.
--   p_slug, p_email  as they were submitted (the e-mail address in lower case and NFC); neither need exist
-- Result: see credential_facts. The tenant is looked up by a statement before: its id never becomes that of another one.
create or replace function sekisho.login_facts(p_slug text, p_email text) returns jsonb
  language plpgsql volatile
as $$
declare
  v_tid text;
begin
  perform set_config('role', 'sekisho_system', true);
  select t.tid into v_tid from sekisho.tenant t where t.slug = p_slug;
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', coalesce(v_tid, ''), true);
  return sekisho.credential_facts(v_tid, null, p_email);
end $$;
