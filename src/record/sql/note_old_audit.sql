-- Notes up to which row those of before the trail was sealed have been looked for, and that it was to the end. It goes on and
-- never back, and when it came to its end is said once: rows that are dated back to before would pass for old ones otherwise.
-- SECURITY DEFINER: the roles may not write this. Whoever goes on too far by it leaves rows without a seal, which are named.
create or replace function sekisho.note_old_audit(p_tid text, p_id text, p_done boolean) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  update sekisho.audit_sealer s
     set old_tid = coalesce(p_tid, s.old_tid), old_id = coalesce(p_id, s.old_id), old_done = p_done,
         old_done_at = case when p_done then clock_timestamp() end
   where not s.old_done and (p_tid is null or (p_tid, p_id) >= (s.old_tid, s.old_id))
$$;
revoke execute on function sekisho.note_old_audit(text, text, boolean) from public;
grant execute on function sekisho.note_old_audit(text, text, boolean) to sekisho_system;
