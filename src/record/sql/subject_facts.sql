-- EPOCH of a login by a product that knows its user: the same as login_facts, by ids.
create or replace function sekisho.subject_facts(p_tid text, p_uid text, p_now_ms bigint default null) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true);
  return sekisho.credential_facts(p_tid, p_uid, null, coalesce(sekisho.from_ms(p_now_ms), clock_timestamp()));
end $$;
