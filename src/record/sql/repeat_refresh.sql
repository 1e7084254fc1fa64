-- A used refresh token comes again (docs/refresh.md): a repeat within its window, a lost answer, or a stolen token. Called
-- by rotate_session under the session's row lock, once the session is known to be alive.
--   p_session   the row as it was locked
--   p_used      the presented token's row
--   p_grace     the window, by the present policy
--   p_seen_rot  what the calling node has seen and not yet reported
--   p_key_ids   the keys that the calling node has
--   p_audit     NewAuditEvent, which becomes that of a lost answer; its actor has the uid
-- Result, without what a token is minted from:
--   {kind: replayed | answer_lost, keyIds, rot, deliverWithinMs}
--   {kind: superseded, uid, withinWindow} | {kind: reused, uid} | {kind: key_missing, keyId}
create or replace function sekisho.repeat_refresh(
  p_session sekisho.session, p_used sekisho.refresh_used, p_grace interval, p_seen_rot integer, p_key_ids text[],
  p_now timestamptz, p_audit jsonb)
  returns jsonb
  language plpgsql volatile
as $$
declare
  -- Answers may be lost to so many tokens in a row. Whoever loses more is two: one who never uses an access token where
  -- nodes see it, and one who always comes after.
  c_lost_in_a_row constant integer := 10;
  -- An answer just given is on its way, and so not replaced by another: requests of one device race each other. One that
  -- takes longer is not delivered, so even without a window a busy record must get it there in time.
  v_on_the_way  interval := greatest(least(p_grace, interval '2 seconds'), interval '1 second');
  v_window_end  timestamptz := p_used.used_at + p_grace;
  v_in_window   boolean := p_now < v_window_end;
  v_is_last     boolean := not exists (
    select from sekisho.refresh_used r
     where r.tid = p_used.tid and r.sid = p_used.sid and r.rot > p_used.rot);
  -- The successor itself was not used where the token is the last used one.
  v_delivered   boolean := not v_is_last or greatest(p_session.seen_rot, p_seen_rot) >= p_session.rot;
  v_lost        integer := p_session.lost_in_a_row + (p_session.lost_rot <> p_session.rot)::integer;
  v_rot         integer := p_session.rot;
  v_keys        text[];
  v_missing     text;
begin
  if p_used.rot < p_session.chain_rot then
    -- Of a chain that re-authentication has ended (ASVS 7.2.4): it gets nothing, ever. It is stolen when whoever presents
    -- it had time to learn of the new chain, and somebody did.
    return case when v_in_window or not v_delivered
      then jsonb_build_object('kind', 'superseded', 'uid', p_session.uid, 'withinWindow', v_in_window)
      else jsonb_build_object('kind', 'reused', 'uid', p_session.uid) end;
  elsif not v_in_window and v_delivered then
    return jsonb_build_object('kind', 'reused', 'uid', p_session.uid);
  end if;

  -- The keys that lead from it to the live token, in order.
  select array_agg(r.key_id order by r.rot) into v_keys from sekisho.refresh_used r
   where r.tid = p_used.tid and r.sid = p_used.sid and r.rot >= p_used.rot;
  select k into v_missing from unnest(v_keys) k where k <> all (p_key_ids) limit 1;
  if found then return jsonb_build_object('kind', 'key_missing', 'keyId', v_missing); end if;

  if not v_in_window and p_now >= p_session.issued_at + v_on_the_way then
    if v_lost > c_lost_in_a_row then return jsonb_build_object('kind', 'reused', 'uid', p_session.uid); end if;
    v_rot := v_rot + 1;
    update sekisho.session s set rot = v_rot, issued_at = p_now, lost_rot = v_rot, lost_in_a_row = v_lost
     where s.tid = p_used.tid and s.sid = p_used.sid;
    update sekisho.refresh_used r set used_at = p_now
     where r.tid = p_used.tid and r.sid = p_used.sid and r.hash = p_used.hash;
    perform sekisho.append_audit(jsonb_build_array(p_audit || jsonb_build_object(
      'action', 'authn_token_answer_lost',
      'detail', jsonb_build_object('rot', v_rot, 'replaced', p_session.rot, 'in_a_row', v_lost))));
    return jsonb_build_object('kind', 'answer_lost', 'keyIds', v_keys, 'rot', v_rot,
      'deliverWithinMs', extract(epoch from greatest(p_grace, v_on_the_way)) * 1000);
  end if;

  -- The window is that of this token's own use: repeats do not move it. Only how late an answer was given is kept, where
  -- that may matter at the window's end.
  if p_now > p_session.issued_at and (not v_is_last or p_now + v_on_the_way > v_window_end) then
    update sekisho.session s set issued_at = p_now where s.tid = p_used.tid and s.sid = p_used.sid;
  end if;
  return jsonb_build_object('kind', 'replayed', 'keyIds', v_keys, 'rot', v_rot,
    'deliverWithinMs', floor(extract(epoch from greatest(v_window_end - p_now, v_on_the_way)) * 1000));
end $$;
