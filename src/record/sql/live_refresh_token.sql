-- The session whose live refresh token has this hash, if a refresh would take it now; nothing is used up. A function, since
-- planning this query anew for each question costs more than answering it.
--   p_now  wall time of the caller
-- Result: {session, user, issuedAtMs}, or null. issuedAtMs: null where the record has lost the rotation that issued it.
create or replace function sekisho.live_refresh_token(p_tid text, p_sid text, p_hash bytea, p_now_ms bigint) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true);
  return (
    select jsonb_build_object('session', to_jsonb(j), 'user', sekisho.user_json(u),
             'issuedAtMs', case when p_hash = s.current_hash then sekisho.to_ms(s.issued_at) end)
      from sekisho.judged_session(sekisho.from_ms(p_now_ms)) j
      join sekisho.session s on s.tid = j.tid and s.sid = j.sid
      join sekisho.tenant t on t.tid = j.tid and t.status = 'active'
      join sekisho.tenant_user u on u.tid = j.tid and u.uid = j.uid and u.status = 'active'
     where j.tid = p_tid and j.sid = p_sid and j.state = 'active'
       -- The successor is live where the record has lost the rotation that issued it.
       and p_hash in (s.current_hash, s.successor_hash));
end $$;
