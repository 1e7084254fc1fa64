-- MINT of a login: makes the session, if nothing has overtaken the credentials that it rests on.
--   p_generation, p_epoch  the head of the statement that read the credentials
--   p_operation_id         unused until now; names the first eviction, the n-th after it is '<id>.<n>'
--   p_audit                NewAuditEvent[] of the login itself
--   p_end_sids             sessions that the person would end, where the device cap needs one to end, in this order;
--                          what is not an alive session of theirs counts for nothing
-- Result: OpenOutcome (see sessions.ts). Lock order: tenant (shared), user, head. The user's lock makes the device cap
-- exact under parallel logins: every login of this user counts after the one before it has committed.
create or replace function sekisho.open_session(
  p_tid text, p_sid text, p_uid text, p_device_name text, p_device_kind text, p_ip text, p_user_agent text,
  p_amr text[], p_current_hash bytea, p_successor_hash bytea, p_successor_key_id text,
  p_generation text, p_epoch bigint, p_operation_id text, p_now_ms bigint, p_audit jsonb,
  p_end_sids text[] default '{}')
  returns jsonb
  language plpgsql volatile
as $$
declare
  v_now        timestamptz := sekisho.from_ms(p_now_ms);
  v_seen       record;
  v_alive      jsonb;
  v_surplus    integer;
  v_chosen     jsonb;
  v_victims    jsonb;
  v_victim     text;
  v_operation  text;
  v_entry      sekisho.revocation;
  v_evicted    jsonb := '[]';
  v_mint       jsonb;
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true),
          set_config('synchronous_commit', 'on', true);

  perform from sekisho.tenant t where t.tid = p_tid for share;
  perform from sekisho.tenant_user u where u.tid = p_tid and u.uid = p_uid for update;

  -- Begun after the locks, so it sees whatever won while the password was being hashed.
  select h.generation, h.position, h.identity = sekisho.server_identity() as identity_agrees,
         sekisho.policy_at(t, v_now) as policy, t.status as tenant_status, u.status as user_status,
         -- The session's own, which hold for its life: those of the policy that it may have longest. What shortens them for
         -- a while is looked at whenever it is judged.
         greatest((t.policy ->> 'idle_timeout')::integer,
                  case when t.override_until > v_now then (t.override_policy ->> 'idle_timeout')::integer end) as idle_s,
         greatest((t.policy ->> 'absolute_timeout')::integer,
                  case when t.override_until > v_now then (t.override_policy ->> 'absolute_timeout')::integer end)
           as absolute_s,
         -- Each by its whole key, as in judged_session: a list of keys may be joined with all floors of the tenant.
         exists (select from sekisho.floor f where f.tid = p_tid and f.uid = p_uid and f.epoch > p_epoch)
           or exists (select from sekisho.floor f where f.tid = p_tid and f.uid = '' and f.epoch > p_epoch)
           or exists (select from sekisho.floor f where f.tid = '*' and f.uid = '' and f.epoch > p_epoch) as floored
    into v_seen
    from sekisho.head h
    left join sekisho.tenant t on t.tid = p_tid
    left join sekisho.tenant_user u on u.tid = p_tid and u.uid = p_uid;

  if not v_seen.identity_agrees then
    return jsonb_build_object('kind', 'identity_changed', 'head',
      jsonb_build_object('generation', v_seen.generation, 'position', v_seen.position));
  elsif v_seen.generation <> p_generation then
    return jsonb_build_object('kind', 'generation_changed');
  elsif v_seen.tenant_status is distinct from 'active' or v_seen.user_status is distinct from 'active'
        or v_seen.floored then
    return jsonb_build_object('kind', 'superseded');
  end if;

  -- The device cap.
  select coalesce(jsonb_agg(to_jsonb(j) order by j.last_seen_at, j.created_at, j.sid), '[]') into v_alive
    from sekisho.judged_session(v_now) j
   where j.tid = p_tid and j.uid = p_uid and j.state = 'active';
  v_surplus := jsonb_array_length(v_alive) + 1 - (v_seen.policy ->> 'max_sessions_per_user')::integer;
  select coalesce(jsonb_agg(a.sid order by array_position(p_end_sids, a.sid)), '[]') into v_chosen
    from (select s ->> 'sid' as sid from jsonb_array_elements(v_alive) s) a
   where a.sid = any (p_end_sids);
  if v_surplus > jsonb_array_length(v_chosen) and v_seen.policy ->> 'on_session_limit' = 'reject' then
    return jsonb_build_object('kind', 'session_limit_reached', 'sessions', v_alive, 'surplus', v_surplus);
  end if;
  -- Those that were chosen, and then the ones that were used least.
  select v_chosen || coalesce(jsonb_agg(s.v -> 'sid' order by s.n), '[]') into v_victims
    from jsonb_array_elements(v_alive) with ordinality as s (v, n)
   where not v_chosen ? (s.v ->> 'sid');
  for n in 0 .. v_surplus - 1 loop
    v_victim := v_victims ->> n;
    v_operation := p_operation_id || case when n = 0 then '' else '.' || n end;
    v_entry := sekisho.append_entry(
      v_operation, 'session', p_tid, p_uid, v_victim, null, 'system', null, null, 'session_limit', v_now);
    update sekisho.session s set ended_at = v_now, ended_how = 'evicted'
     where s.tid = p_tid and s.sid = v_victim;
    perform sekisho.append_audit(jsonb_build_array(jsonb_build_object(
      'id', v_operation, 'tid', p_tid, 'atMs', p_now_ms,
      'action', 'excess_sessions_exceeded', 'outcome', 'success',
      'actor', case when v_chosen ? v_victim then jsonb_build_object('kind', 'user', 'uid', p_uid)
                    else jsonb_build_object('kind', 'system') end,
      'subject', jsonb_build_object('kind', 'session', 'id', v_victim),
      'requestId', p_audit #> '{0,requestId}',
      'detail', jsonb_build_object('uid', p_uid, 'opened', p_sid, 'chosen', v_chosen ? v_victim))));
    v_evicted := v_evicted || to_jsonb(v_entry);
  end loop;

  insert into sekisho.session
    (tid, sid, uid, device_name, device_kind, ip, user_agent, amr, auth_time, created_at, last_seen_at,
     idle_timeout_s, absolute_end_at, generation, epoch, rot, current_hash, issued_at, successor_hash, successor_key_id)
  values
    (p_tid, p_sid, p_uid, p_device_name, p_device_kind, p_ip, p_user_agent, p_amr, v_now, v_now, v_now,
     v_seen.idle_s,
     v_now + v_seen.absolute_s * interval '1 second',
     p_generation, p_epoch, 0, p_current_hash, v_now, p_successor_hash, p_successor_key_id);
  update sekisho.tenant_user u set last_login_at = greatest(u.last_login_at, v_now)
   where u.tid = p_tid and u.uid = p_uid;
  perform sekisho.append_audit(p_audit);

  -- EPOCH: roles and the token's epoch by one statement.
  select jsonb_build_object(
           'session', to_jsonb(j), 'user', sekisho.user_json(u), 'policy', sekisho.policy_at(t, v_now),
           'head', jsonb_build_object('generation', h.generation, 'position', h.position))
    into strict v_mint
    from sekisho.judged_session(v_now) j
    join sekisho.tenant t on t.tid = j.tid
    join sekisho.tenant_user u on u.tid = j.tid and u.uid = j.uid
   cross join sekisho.head h
   where j.tid = p_tid and j.sid = p_sid;
  return jsonb_build_object('kind', 'opened', 'mint', v_mint, 'evicted', v_evicted);
end $$;
