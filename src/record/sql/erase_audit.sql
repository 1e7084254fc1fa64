-- Erases the personal data of sealed rows: address, user agent, e-mail address, and the salt of what their seal covers of it.
-- SECURITY DEFINER: neither the roles nor whoever takes them may change rows of the trail otherwise (ASVS 16.4.2).
-- Result: how many rows had any.
create or replace function sekisho.erase_audit(p_tid text, p_ids text[]) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_erased  integer;
begin
  perform set_config('sekisho.audit_verb', 'erase', true), set_config('synchronous_commit', 'on', true);
  -- What is not sealed yet may be under the sealer's hands at this moment.
  update sekisho.audit a set ip = null, user_agent = null,
       detail = case when jsonb_typeof(a.detail) = 'object' then a.detail - 'email' else a.detail end
   where a.tid = p_tid and a.id = any (p_ids)
     and (a.ip is not null or a.user_agent is not null or a.detail ? 'email')
     and exists (select 1 from sekisho.audit_seal s where s.tid = p_tid and s.id = a.id);
  get diagnostics v_erased = row_count;
  update sekisho.audit_seal s set salt = null
   where s.tid = p_tid and s.id = any (p_ids) and s.salt is not null;
  perform set_config('sekisho.audit_verb', '', true);
  return v_erased;
end $$;
revoke execute on function sekisho.erase_audit(text, text[]) from public;
grant execute on function sekisho.erase_audit(text, text[]) to sekisho_system;
