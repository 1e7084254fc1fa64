-- COMMIT: appends one entry to the log, under the head's lock, which is taken here if the transaction has not got it yet;
-- whoever needs locks of tenants or users has taken them before. Raises the floor or the reissue that belongs to it, and
-- writes down the operation. The caller has compared the server's identity in this transaction, audits, and ends rows of
-- sessions. Runs under either role and gives the caller's back. (A batch counts by itself: see commit.)
--   p_operation_id  never used before
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
  v_entry := row(
    v_entry.position, v_entry.generation, p_operation_id, p_scope, p_tid, p_uid, p_sid, p_spared_sid,
    p_actor_kind, p_actor_uid, p_actor_sid, p_reason, p_now);
  perform sekisho.write_entry(
      v_entry.position, v_entry.generation, p_operation_id, p_scope, p_tid, p_uid, p_sid, p_spared_sid,
      p_actor_kind, p_actor_uid, p_actor_sid, p_reason, p_now),
    sekisho.name_operation(p_operation_id, p_tid, v_entry.generation, v_entry.position, p_now);

  perform set_config('role', v_role, true);
  return v_entry;
end $$;
