-- Whether a request's change ends just the sessions that its first entry ends: then looking for them and ending them once is
-- enough.
--   p  a CommitRequest, as in commit
create or replace function sekisho.ends_what_it_revokes(p jsonb) returns boolean
  language sql immutable parallel safe
as $$
  select coalesce(p #>> '{change,kind}' = 'session_end' and case p #>> '{revoke,0,scope}'
    when 'user' then p #>> '{change,sid}' is null and p #>> '{change,uid}' = p #>> '{revoke,0,uid}'
    when 'session' then p #>> '{change,sid}' = p #>> '{revoke,0,sid}' and p #>> '{change,uid}' is null end, false)
$$;
