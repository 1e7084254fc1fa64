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
  v_subject   jsonb;
  v_entry     sekisho.revocation;
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
    v_entry := row(
      p_position + 1 + n, p_generation, (p ->> 'operationId') || case when n = 0 then '' else '.' || n end,
      v_subject ->> 'scope', v_subject ->> 'tid', v_subject ->> 'uid', v_subject ->> 'sid', null,
      p #>> '{actor,kind}', p #>> '{actor,uid}', coalesce(p #>> '{actor,sid}', p #>> '{actor,name}'),
      p ->> 'reason', v_now);
    -- AUTHORITY: a spared session must be alive and pass every floor at this moment; otherwise nobody is spared.
    if v_subject ->> 'sparedSid' is not null then
      select j.sid into v_entry.spared_sid from sekisho.judged_session(v_now) j
       where j.tid = v_entry.tid and j.sid = v_subject ->> 'sparedSid' and j.state = 'active';
    end if;
    perform sekisho.write_entry(v_entry);
    -- The first one's was claimed.
    if n > 0 then perform sekisho.name_operation(v_entry); end if;
    v_entries := v_entries || to_jsonb(v_entry);
    if v_entry.scope in ('user', 'session') then
      -- Under the tenant's role, as in apply_change: plans depend on the role, and two roles would plan it anew each time.
      perform sekisho.take_role(v_entry.tid);
      perform sekisho.end_sessions(v_entry.tid, v_entry.uid, v_entry.sid, v_entry.spared_sid, v_now, v_how);
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
