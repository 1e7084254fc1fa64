-- UPGRADE: an entry of a scope is written only when every member's version knows it: one that meets an unknown scope does
-- not go on. Read under the head's lock. Whoever joins later with an older version finds the entry in its snapshot, and
-- does not get to serve. A hand-in is not held up: it was committed when all of them knew it.
--   p  a CommitRequest, as in commit
-- Result: members_behind, or null.
create or replace function sekisho.judge_scopes(p jsonb) returns text
  language plpgsql volatile
as $$
declare
  v_since  integer;
begin
  if (p ->> 'handIn')::boolean then return null; end if;
  for n in 0 .. jsonb_array_length(p -> 'revoke') - 1 loop
    v_since := sekisho.scope_version(p -> 'revoke' -> n ->> 'scope');
    if v_since is null then return 'members_behind'; end if;
    -- Version 1 knows those that were there from the first.
    if v_since > 1 then
      if (select min(m.version) from sekisho.member m) < v_since then return 'members_behind'; end if;
    end if;
  end loop;
  return null;
end $$;
