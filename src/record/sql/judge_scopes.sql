-- UPGRADE: an entry of a scope is written only when every member's version knows it: one that meets an unknown scope does not
-- go on. Read under the head's lock. Whoever joins later with an older version finds the entry in its snapshot, and does
-- not get to serve. A hand-in is not held up: it was committed when all of them knew it.
--   p  a CommitRequest, as in commit
-- Result: members_behind, or null.
create or replace function sekisho.judge_scopes(p jsonb) returns text
  language plpgsql volatile
as $$
begin
  return (
    select 'members_behind'
     where not coalesce((p ->> 'handIn')::boolean, false)
       and exists (
         select from jsonb_array_elements(p -> 'revoke') s
          where sekisho.scope_version(s ->> 'scope') is distinct from 1
            and coalesce((select min(m.version) from sekisho.member m) < sekisho.scope_version(s ->> 'scope'),
                         sekisho.scope_version(s ->> 'scope') is null)));
end $$;
