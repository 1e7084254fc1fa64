-- A new chain of refresh tokens for a session that goes on, with a new proof of identity (ASVS 7.2.4). The tokens of the
-- old chain count as used, the live one among them, and none leads to the new one: see repeat_refresh.
--   p_regenerate  Regenerate, its hashes in hex; null or JSON null does nothing
create or replace function sekisho.regenerate_session(p_tid text, p_regenerate jsonb, p_now timestamptz) returns void
  language plpgsql volatile
as $$
declare
  v_session  sekisho.session;
  v_rot      integer;
begin
  if p_regenerate ->> 'sid' is null then return; end if;
  select * into strict v_session from sekisho.session s
   where s.tid = p_tid and s.sid = p_regenerate ->> 'sid'
     for no key update;
  insert into sekisho.refresh_used (tid, sid, hash, rot, key_id, used_at)
  values (p_tid, v_session.sid, v_session.current_hash, v_session.rot, v_session.successor_key_id, p_now);
  -- A number that was seen although the record has not got so far is of what it has lost. Given to this answer, it would say
  -- of it that it arrived.
  v_rot := greatest(v_session.rot, v_session.seen_rot, (p_regenerate ->> 'seenRot')::integer) + 1;
  update sekisho.session s
     set rot = v_rot, chain_rot = v_rot, lost_in_a_row = 0, issued_at = p_now,
         current_hash = decode(p_regenerate #>> '{refresh,currentHash}', 'hex'),
         successor_hash = decode(p_regenerate #>> '{refresh,successorHash}', 'hex'),
         successor_key_id = p_regenerate #>> '{refresh,successorKeyId}',
         auth_time = sekisho.from_ms((p_regenerate ->> 'authTimeMs')::bigint),
         amr = array(select jsonb_array_elements_text(p_regenerate -> 'amr'))
   where s.tid = p_tid and s.sid = v_session.sid;
end $$;
