-- Whose password a one-time token sets; null when it is unknown, used or too old, or its user may not log in.
create or replace function sekisho.reset_owner(p_tid text, p_token_hash bytea, p_now_ms bigint) returns text
  language sql stable
as $$
  select p.uid
    from sekisho.password_reset p
    join sekisho.tenant_user u on u.tid = p.tid and u.uid = p.uid and u.status = 'active'
    join sekisho.tenant t on t.tid = p.tid and t.status = 'active'
   where p.tid = p_tid and p.token_hash = p_token_hash and p.expires_at > sekisho.from_ms(p_now_ms)
$$;
