-- COMMIT: writes an entry whose name the caller has taken, under the head's lock, and raises the floor or the reissue that
-- belongs to it. Under the role of the system.
create or replace function sekisho.write_entry(
  p_position bigint, p_generation text, p_operation_id text, p_scope text, p_tid text, p_uid text, p_sid text,
  p_spared_sid text, p_actor_kind text, p_actor_uid text, p_actor_sid text, p_reason text, p_now timestamptz)
  returns void
  language plpgsql volatile
as $$
begin
  insert into sekisho.revocation
    (position, generation, operation_id, scope, tid, uid, sid, spared_sid,
     actor_kind, actor_uid, actor_sid, reason, committed_at)
  values
    (p_position, p_generation, p_operation_id, p_scope, p_tid, p_uid, p_sid, p_spared_sid,
     p_actor_kind, p_actor_uid, p_actor_sid, p_reason, p_now);
  if p_scope in ('all', 'tenant', 'user') then
    -- The later floor of a subject implies the earlier one, since AUTHORITY lets none spare a session that is not alive.
    insert into sekisho.floor (tid, uid, epoch, spared_sid)
    values (coalesce(p_tid, '*'), coalesce(p_uid, ''), p_position, p_spared_sid)
        on conflict (tid, uid) do update set epoch = excluded.epoch, spared_sid = excluded.spared_sid;
  elsif p_scope = 'reissue' then
    insert into sekisho.reissue (tid, uid, sid, position)
    values (coalesce(p_tid, '*'), coalesce(p_uid, ''), coalesce(p_sid, ''), p_position)
        on conflict (tid, uid, sid) do update set position = excluded.position;
  end if;
end $$;
