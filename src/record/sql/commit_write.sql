-- COMMIT: writes one request that was judged: operation, change, entries, ended sessions, idempotency key. The head is left
-- as it was, and the audit rows are given back: commit writes both for all of a batch.
--   p                         a CommitRequest, as in commit, with the owner of a reset token put in
--   p_generation, p_position  the head, as in commit_one
-- Result: the outcome `committed`, as in commit_one; or `duplicate` or `abandoned`, and nothing written, when the id was
-- decided meanwhile.
create or replace function sekisho.commit_write(p jsonb, p_generation text, p_position bigint) returns jsonb
  language plpgsql volatile
as $$
declare
  v_now       timestamptz := sekisho.from_ms((p ->> 'nowMs')::bigint);
  v_tid       text := p ->> 'tid';
  v_count     integer := jsonb_array_length(p -> 'revoke');
  v_actor     jsonb := p -> 'actor';
  v_subject   jsonb;
  v_position  bigint;
  v_id        text;
  v_scope     text;
  v_uid       text;
  v_sid       text;
  v_spared    text;
  v_entries   jsonb := '[]';
  v_changed   jsonb;
  v_how       text := case when p ->> 'reason' = 'token_reuse' then 'token_reuse'
                           else coalesce(p #>> '{change,how}', 'revoked') end;
  v_outcome   jsonb;
begin
  if not sekisho.claim_operation(
    p ->> 'operationId', v_tid, case when v_count > 0 then p_generation end, case when v_count > 0 then p_position + 1 end,
    v_now, coalesce((p ->> 'handIn')::boolean, false))
  then
    return sekisho.commit_known(p);
  end if;

  if p #>> '{change,kind}' is not null and not sekisho.ends_what_it_revokes(p) then
    perform sekisho.take_role(case when p #>> '{change,kind}' <> 'tenant_create' then v_tid end);
    v_changed := sekisho.apply_change((p -> 'change') || jsonb_build_object('how', v_how), v_now);
    perform sekisho.take_role(null);
  end if;

  for n in 0 .. v_count - 1 loop
    v_subject := p -> 'revoke' -> n;
    v_position := p_position + 1 + n;
    v_id := case when n = 0 then p ->> 'operationId' else (p ->> 'operationId') || '.' || n end;
    v_scope := v_subject ->> 'scope';
    v_uid := v_subject ->> 'uid';
    v_sid := v_subject ->> 'sid';
    -- AUTHORITY: a spared session must be alive and pass every floor at this moment; otherwise nobody is spared.
    v_spared := null;
    if v_subject ->> 'sparedSid' is not null then
      select j.sid into v_spared from sekisho.judged_session(v_now) j
       where j.tid = v_tid and j.sid = v_subject ->> 'sparedSid' and j.state = 'active';
    end if;
    perform sekisho.write_entry(
      v_position, p_generation, v_id, v_scope, v_tid, v_uid, v_sid, v_spared,
      v_actor ->> 'kind', v_actor ->> 'uid', coalesce(v_actor ->> 'sid', v_actor ->> 'name'), p ->> 'reason', v_now);
    -- The first one's was claimed.
    if n > 0 then perform sekisho.name_operation(v_id, v_tid, p_generation, v_position, v_now); end if;
    v_entries := v_entries || jsonb_build_object(
      'position', v_position, 'generation', p_generation, 'operation_id', v_id, 'scope', v_scope, 'tid', v_tid,
      'uid', v_uid, 'sid', v_sid, 'spared_sid', v_spared);
    if v_scope in ('user', 'session') then
      -- Under the tenant's role, as in apply_change: plans depend on the role, and two roles would plan it anew each time.
      perform sekisho.take_role(v_tid);
      perform sekisho.end_sessions(v_tid, v_uid, v_sid, v_spared, v_now, v_how);
      perform sekisho.take_role(null);
    end if;
  end loop;

  if p ->> 'idempotency' is not null and p #>> '{actor,kind}' = 'session' then
    insert into sekisho.idempotency_key (tid, uid, key, body_hash, operation_id, created_at)
    values (v_tid, p #>> '{actor,uid}', p #>> '{idempotency,key}', decode(p #>> '{idempotency,bodyHash}', 'hex'),
            p ->> 'operationId', v_now)
        on conflict (tid, uid, key) do update
       set body_hash = excluded.body_hash, operation_id = excluded.operation_id, created_at = excluded.created_at;
  end if;

  v_outcome := jsonb_build_object(
    'kind', 'committed', 'entries', v_entries, 'audit', p -> 'audit',
    'head', jsonb_build_object('generation', p_generation, 'position', p_position + v_count),
    'user', null, 'session', null, 'version', v_changed -> 'version');
  if v_changed ->> 'uid' is null and v_changed ->> 'sid' is null then return v_outcome; end if;
  -- EPOCH: after all of it, by one statement, what a token may be minted from. Without the head's lock, which nobody takes
  -- who revokes nothing, it may have moved; with it, its row is still that of the batch's begin.
  return (
    select v_outcome || jsonb_build_object(
        'head', jsonb_build_object('generation', h.generation, 'position', greatest(h.position, p_position + v_count)),
        'user', (select sekisho.user_json(u) from sekisho.tenant_user u
                  where u.tid = v_tid and u.uid = v_changed ->> 'uid'),
        'session', (select to_jsonb(j) from sekisho.judged_session(v_now) j
                     where j.tid = v_tid and j.sid = v_changed ->> 'sid'))
      from sekisho.head h);
end $$;
