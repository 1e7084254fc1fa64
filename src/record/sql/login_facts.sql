-- EPOCH of a login by password.
--   p_slug, p_email  as they were submitted (the e-mail address in lower case and NFC); neither need exist
--   p_now_ms         wall time of the caller; null, from a release before: the record's own
-- Result: see credential_facts. A slug belongs to its tenant for ever, so it may be looked up by a statement before.
create or replace function sekisho.login_facts(p_slug text, p_email text, p_now_ms bigint default null) returns jsonb
  language plpgsql volatile
as $$
declare
  v_tid text;
begin
  perform set_config('role', 'sekisho_system', true);
  select t.tid into v_tid from sekisho.tenant t where t.slug = p_slug;
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', coalesce(v_tid, ''), true);
  return sekisho.credential_facts(v_tid, null, p_email, coalesce(sekisho.from_ms(p_now_ms), clock_timestamp()));
end $$;
