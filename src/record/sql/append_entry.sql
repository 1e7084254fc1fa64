-- COMMIT: appends one entry to the log, under the head's lock, which is taken here if the transaction has not got it yet;
-- whoever needs locks of tenants or users has taken them before. Raises the floor or the reissue that belongs to it, and
-- writes down the operation. The caller has compared the server's identity in this transaction, audits, and ends rows of
-- sessions. Runs under either role and gives the caller's back.
--   p_operation_id  never used before; whoever may not know that has called claim_operation
--   p_now           wall time of the caller
-- Result: the row of the log.
create or replace function sekisho.append_entry(
  p_operation_id text, p_scope text, p_tid text, p_uid text, p_sid text, p_spared_sid text,
  p_actor_kind text, p_actor_uid text, p_actor_sid text, p_reason text, p_now timestamptz)
  returns sekisho.revocation
  language plpgsql volatile
as $$
declare
  v_role   text := current_setting('role');
  v_entry  sekisho.revocation;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);

  -- The update is the lock: another commit waits here until this one is over, and then counts on from it.
  update sekisho.head set position = position + 1
    returning position, generation into strict v_entry.position, v_entry.generation;
  insert into sekisho.revocation
    (position, generation, operation_id, scope, tid, uid, sid, spared_sid,
     actor_kind, actor_uid, actor_sid, reason, committed_at)
  values
    (v_entry.position, v_entry.generation, p_operation_id, p_scope, p_tid, p_uid, p_sid, p_spared_sid,
     p_actor_kind, p_actor_uid, p_actor_sid, p_reason, p_now)
  returning * into strict v_entry;
  -- A hand-in overrules an abandonment.
  insert into sekisho.operation as o (id, tid, outcome, generation, position, decided_at)
  values (p_operation_id, p_tid, 'committed', v_entry.generation, v_entry.position, p_now)
      on conflict (id) do update
     set outcome = 'committed', generation = excluded.generation, position = excluded.position;

  if p_scope in ('all', 'tenant', 'user') then
    -- The later floor of a subject implies the earlier one, since AUTHORITY lets none spare a session that is not alive.
    insert into sekisho.floor (tid, uid, epoch, spared_sid)
    values (coalesce(p_tid, '*'), coalesce(p_uid, ''), v_entry.position, p_spared_sid)
        on conflict (tid, uid) do update set epoch = excluded.epoch, spared_sid = excluded.spared_sid;
  elsif p_scope = 'reissue' then
    insert into sekisho.reissue (tid, uid, sid, position)
    values (coalesce(p_tid, '*'), coalesce(p_uid, ''), coalesce(p_sid, ''), v_entry.position)
        on conflict (tid, uid, sid) do update set position = excluded.position;
  end if;

  perform set_config('role', v_role, true);
  return v_entry;
end $$;
