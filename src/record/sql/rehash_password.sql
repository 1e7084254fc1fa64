-- Replaces a password's hash that was made with older parameters, only if it still is that one: a password changed
-- meanwhile is left alone. It is the same password, so nothing is revoked and the user's version stays.
create or replace function sekisho.rehash_password(p_tid text, p_uid text, p_old text, p_new text) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true),
          set_config('synchronous_commit', 'on', true);
  update sekisho.tenant_user u set password_hash = p_new
   where u.tid = p_tid and u.uid = p_uid and u.password_hash = p_old;
end $$;
