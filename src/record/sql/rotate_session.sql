-- Refresh: judges the presented token, rotates its chain, and reads what an access token is minted from. A token that was
-- used before is judged by repeat_refresh.
--   p_key_ids, p_successor_hashes, p_after_hashes  RefreshCandidate[], newest key first
--   p_seen_rot  the highest number of an access token of this session that the node has seen and not yet reported; 0: none
--   p_audit  NewAuditEvent of a rotation, whose actor gets the uid from here; a lost answer, or an expiry that is found,
--            is audited under its id instead
-- Result: RotateOutcome (see sessions.ts). Lock order: user (shared), session. No tenant lock: a tenant's floor that
-- commits meanwhile stands above this session's epoch, which is in every token minted here, and so ends them too.
-- MINT: all is judged by one statement begun after the locks; a session that was ended is never written back.
create or replace function sekisho.rotate_session(
  p_tid text, p_sid text, p_presented bytea,
  p_key_ids text[], p_successor_hashes bytea[], p_after_hashes bytea[], p_seen_rot integer, p_now_ms bigint,
  p_audit jsonb)
  returns jsonb
  language plpgsql volatile
as $$
declare
  -- Each rotation leaves two rows. No client needs so many of them in a minute, and a loop must not fill the disk.
  c_rotations_a_minute constant integer := 300;
  v_now      timestamptz := sekisho.from_ms(p_now_ms);
  v_uid      text;
  v_session  sekisho.session;
  v_used     sekisho.refresh_used;
  v_seen     record;
  v_grace    interval;
  v_repeat   jsonb;
  v_room_at  timestamptz;
  v_n        integer;
  v_rot      integer;
  v_mint     jsonb;
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true),
          set_config('synchronous_commit', 'on', true);

  select s.uid into v_uid from sekisho.session s where s.tid = p_tid and s.sid = p_sid;
  if not found then return jsonb_build_object('kind', 'unknown'); end if;
  perform from sekisho.tenant_user u where u.tid = p_tid and u.uid = v_uid for share;
  select * into v_session from sekisho.session s where s.tid = p_tid and s.sid = p_sid for update;
  if not found then return jsonb_build_object('kind', 'unknown'); end if;

  select h.generation, h.position, h.identity = sekisho.server_identity() as identity_agrees,
         j.state, j.why, to_jsonb(j) as session, sekisho.policy_at(t, v_now) as policy, t.status as tenant_status, u.status as user_status,
         sekisho.user_json(u) as user_row
    into strict v_seen
    from sekisho.head h
   cross join sekisho.judged_session(v_now) j
    join sekisho.tenant t on t.tid = j.tid
    left join sekisho.tenant_user u on u.tid = j.tid and u.uid = j.uid
   where j.tid = p_tid and j.sid = p_sid;
  select * into v_used from sekisho.refresh_used r
   where r.tid = p_tid and r.sid = p_sid and r.hash = p_presented;

  if not v_seen.identity_agrees then
    return jsonb_build_object('kind', 'identity_changed', 'head',
      jsonb_build_object('generation', v_seen.generation, 'position', v_seen.position));
  elsif v_used.hash is null and p_presented not in (v_session.current_hash, v_session.successor_hash) then
    return jsonb_build_object('kind', 'unknown');
  elsif v_seen.state = 'revoked' or v_seen.user_status is distinct from 'active'
        or v_seen.tenant_status is distinct from 'active' then
    return jsonb_build_object('kind', 'revoked', 'uid', v_uid);
  elsif v_seen.state = 'expired' then
    if v_session.ended_at is null then
      update sekisho.session s set ended_at = v_now, ended_how = 'expired' where s.tid = p_tid and s.sid = p_sid;
      perform sekisho.append_audit(jsonb_build_array(p_audit || jsonb_build_object(
        'action', 'session_expired', 'outcome', 'success', 'actor', jsonb_build_object('kind', 'system'),
        'subject', jsonb_build_object('kind', 'session', 'id', p_sid),
        'detail', jsonb_build_object('uid', v_uid, 'why', v_seen.why))));
    end if;
    return jsonb_build_object('kind', 'expired', 'uid', v_uid, 'why', v_seen.why, 'first', v_session.ended_at is null);
  end if;
  v_grace := (v_seen.policy ->> 'refresh_grace')::integer * interval '1 second';
  p_audit := jsonb_set(p_audit, '{actor,uid}', to_jsonb(v_uid));
  v_mint := jsonb_build_object(
    'session', v_seen.session, 'user', v_seen.user_row, 'policy', v_seen.policy,
    'head', jsonb_build_object('generation', v_seen.generation, 'position', v_seen.position));

  if v_used.hash is not null then
    v_repeat := sekisho.repeat_refresh(v_session, v_used, v_grace, p_seen_rot, p_key_ids, v_now, p_audit);
    return case when v_repeat ? 'rot'
      then v_repeat - 'rot' || jsonb_build_object('mint', jsonb_set(v_mint, '{session,rot}', v_repeat -> 'rot'))
      else v_repeat end;
  end if;

  if v_session.rot >= c_rotations_a_minute then
    select r.used_at + interval '1 minute' into v_room_at from sekisho.refresh_used r
     where r.tid = p_tid and r.sid = p_sid
     order by r.rot desc
    offset c_rotations_a_minute - 1 limit 1;
    if v_now < v_room_at then
      return jsonb_build_object('kind', 'limited', 'uid', v_uid, 'attempts', c_rotations_a_minute, 'windowMs', 60000,
        'retryAfterMs', ceil(extract(epoch from v_room_at - v_now) * 1000));
    end if;
  end if;

  v_rot := v_session.rot;
  if p_presented = v_session.current_hash then
    v_n := array_position(p_key_ids, v_session.successor_key_id);
    if v_n is null or p_successor_hashes[v_n] <> v_session.successor_hash then
      return jsonb_build_object('kind', 'key_missing', 'keyId', v_session.successor_key_id);
    end if;
  else
    -- The successor itself: it was issued by a rotation that the record has lost. That rotation is completed here; what
    -- came after it is lost too, so the newest key derives the next one.
    insert into sekisho.refresh_used (tid, sid, hash, rot, key_id, used_at)
    values (p_tid, p_sid, v_session.current_hash, v_rot, v_session.successor_key_id, v_now);
    v_rot := v_rot + 1;
    v_n := 1;
  end if;
  -- A number that was seen although the record has not got so far is of what it has lost: the answer that gave this very
  -- token, again perhaps. Given to another answer, it would say of that one that it arrived.
  v_rot := greatest(v_rot, v_session.seen_rot, p_seen_rot);
  insert into sekisho.refresh_used (tid, sid, hash, rot, key_id, used_at)
  values (p_tid, p_sid, p_presented, v_rot, p_key_ids[v_n], v_now);
  v_rot := v_rot + 1;
  update sekisho.session s
     set rot = v_rot, current_hash = p_successor_hashes[v_n], issued_at = v_now,
         successor_hash = p_after_hashes[v_n], successor_key_id = p_key_ids[1],
         lost_in_a_row = case when s.lost_rot = v_rot - 1 then s.lost_in_a_row else 0 end
   where s.tid = p_tid and s.sid = p_sid;
  perform sekisho.append_audit(jsonb_build_array(p_audit));
  return jsonb_build_object(
    'kind', 'rotated', 'keyIds', jsonb_build_array(p_key_ids[v_n]),
    -- Without a window: as long as repeat_refresh takes it to be on its way.
    'deliverWithinMs', extract(epoch from greatest(v_grace, interval '1 second')) * 1000,
    'mint', jsonb_set(v_mint, '{session,rot}', to_jsonb(v_rot)));
end $$;
