-- COMMIT: writes one request that was judged: operation, change, entries, ended sessions, audit, idempotency key.
--   p  a CommitRequest, as in commit, with the owner of a reset token put in
-- Result: the outcome `committed`; or `duplicate` or `abandoned`, and nothing written, when the id was decided meanwhile.
create or replace function sekisho.commit_write(p jsonb) returns jsonb
  language plpgsql volatile
as $$
declare
  v_now      timestamptz := sekisho.from_ms((p ->> 'nowMs')::bigint);
  v_tid      text := p ->> 'tid';
  v_subject  jsonb;
  v_entry    sekisho.revocation;
  v_spared   text;
  v_entries  jsonb := '[]';
  v_changed  jsonb;
  v_how      text := case when p ->> 'reason' = 'token_reuse' then 'token_reuse'
                          else coalesce(p #>> '{change,how}', 'revoked') end;
begin
  if not sekisho.claim_operation(p ->> 'operationId', v_tid, v_now, coalesce((p ->> 'handIn')::boolean, false)) then
    return sekisho.commit_known(p);
  end if;

  if p ->> 'change' is not null then
    perform sekisho.take_role(case when p #>> '{change,kind}' <> 'tenant_create' then v_tid end);
    v_changed := sekisho.apply_change((p -> 'change') || jsonb_build_object('how', v_how), v_now);
    perform sekisho.take_role(null);
  end if;

  for n in 0 .. jsonb_array_length(p -> 'revoke') - 1 loop
    v_subject := p -> 'revoke' -> n;
    -- AUTHORITY: a spared session must be alive and pass every floor at this moment; otherwise nobody is spared.
    v_spared := null;
    if v_subject ->> 'sparedSid' is not null then
      select j.sid into v_spared from sekisho.judged_session(v_now) j
       where j.tid = v_subject ->> 'tid' and j.sid = v_subject ->> 'sparedSid' and j.state = 'active';
    end if;
    v_entry := sekisho.append_entry(
      (p ->> 'operationId') || case when n = 0 then '' else '.' || n end,
      v_subject ->> 'scope', v_subject ->> 'tid', v_subject ->> 'uid', v_subject ->> 'sid', v_spared,
      p #>> '{actor,kind}', p #>> '{actor,uid}', coalesce(p #>> '{actor,sid}', p #>> '{actor,name}'),
      p ->> 'reason', v_now);
    v_entries := v_entries || jsonb_build_array(to_jsonb(v_entry));
    if v_entry.scope in ('user', 'session') then
      -- Under the tenant's role, as in apply_change: plans depend on the role, and two roles would plan it anew each time.
      perform sekisho.take_role(v_entry.tid);
      perform sekisho.end_sessions(v_entry.tid, v_entry.uid, v_entry.sid, v_entry.spared_sid, v_now, v_how);
      perform sekisho.take_role(null);
    end if;
  end loop;

  perform sekisho.append_audit(p -> 'audit');
  if p ->> 'idempotency' is not null and p #>> '{actor,kind}' = 'session' then
    insert into sekisho.idempotency_key (tid, uid, key, body_hash, operation_id, created_at)
    values (v_tid, p #>> '{actor,uid}', p #>> '{idempotency,key}', decode(p #>> '{idempotency,bodyHash}', 'hex'),
            p ->> 'operationId', v_now)
        on conflict (tid, uid, key) do update
       set body_hash = excluded.body_hash, operation_id = excluded.operation_id, created_at = excluded.created_at;
  end if;

  if v_changed ->> 'uid' is null and v_changed ->> 'sid' is null then
    return (
      select jsonb_build_object(
          'kind', 'committed', 'entries', v_entries,
          'head', jsonb_build_object('generation', h.generation, 'position', h.position),
          'user', null, 'session', null, 'version', v_changed -> 'version')
        from sekisho.head h);
  end if;
  -- After all of it, by one statement: what a token may be minted from.
  return (
    select jsonb_build_object(
        'kind', 'committed', 'entries', v_entries,
        'head', jsonb_build_object('generation', h.generation, 'position', h.position),
        'user', (select sekisho.user_json(u) from sekisho.tenant_user u
                  where u.tid = v_tid and u.uid = v_changed ->> 'uid'),
        'session', (select to_jsonb(j) from sekisho.judged_session(v_now) j
                     where j.tid = v_tid and j.sid = v_changed ->> 'sid'),
        'version', v_changed -> 'version')
      from sekisho.head h);
end $$;
