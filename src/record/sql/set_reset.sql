-- The one open reset token of a user: the one given, or none. Older ones are dead.
--   p_reset  NewReset, its hash in hex; null or JSON null for none
create or replace function sekisho.set_reset(p_tid text, p_uid text, p_reset jsonb) returns void
  language plpgsql volatile
as $$
begin
  delete from sekisho.password_reset r where r.tid = p_tid and r.uid = p_uid;
  insert into sekisho.password_reset (tid, token_hash, uid, expires_at)
  select p_tid, decode(p_reset ->> 'tokenHash', 'hex'), p_uid, sekisho.from_ms((p_reset ->> 'expiresAtMs')::bigint)
   where p_reset ->> 'tokenHash' is not null;
end $$;
