-- COMMIT: writes an entry whose name the caller has taken, under the head's lock, and raises the floor or the reissue that
-- belongs to it. Under the role of the system.
create or replace function sekisho.write_entry(p_entry sekisho.revocation) returns void
  language plpgsql volatile
as $$
begin
  insert into sekisho.revocation values (p_entry.*);
  if p_entry.scope in ('all', 'tenant', 'user') then
    -- The later floor of a subject implies the earlier one, since AUTHORITY lets none spare a session that is not alive.
    insert into sekisho.floor (tid, uid, epoch, spared_sid)
    values (coalesce(p_entry.tid, '*'), coalesce(p_entry.uid, ''), p_entry.position, p_entry.spared_sid)
        on conflict (tid, uid) do update set epoch = excluded.epoch, spared_sid = excluded.spared_sid;
  elsif p_entry.scope = 'reissue' then
    insert into sekisho.reissue (tid, uid, sid, position)
    values (coalesce(p_entry.tid, '*'), coalesce(p_entry.uid, ''), coalesce(p_entry.sid, ''), p_entry.position)
        on conflict (tid, uid, sid) do update set position = excluded.position;
  end if;
end $$;
