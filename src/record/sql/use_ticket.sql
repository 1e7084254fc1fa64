-- Uses up the id of a socket ticket. Result: false when it was used before.
create or replace function sekisho.use_ticket(p_tid text, p_jti text, p_expires_at_ms bigint) returns boolean
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true),
          set_config('synchronous_commit', 'on', true);
  insert into sekisho.used_ticket (tid, jti, expires_at)
  values (p_tid, p_jti, sekisho.from_ms(p_expires_at_ms))
      on conflict do nothing;
  return found;
end $$;
