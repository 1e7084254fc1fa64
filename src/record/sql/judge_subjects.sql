-- What a request revokes must be there: an id of another tenant is answered like one that does not exist. A session that
-- ends itself by its own token gets its entry in any case, and so does what Sekisho itself revokes, since the row may
-- have been lost (UNKNOWN OUTCOME, HAND IN).
-- Asked one after the other, by whole keys: a plan over all of them may read the tenant's users. And only where there is
-- something to ask: an expression with a query in it is planned even where its first half says no.
--   p  a CommitRequest, as in commit
-- Result: not_found, or null.
create or replace function sekisho.judge_subjects(p jsonb) returns text
  language plpgsql volatile
as $$
declare
  s        jsonb;
  v_tid    text := p ->> 'tid';
  v_scope  text;
  v_uid    text;
  v_sid    text;
begin
  if p #>> '{actor,kind}' in ('token', 'system') then return null; end if;
  for n in 0 .. jsonb_array_length(p -> 'revoke') - 1 loop
    s := p -> 'revoke' -> n;
    v_scope := s ->> 'scope';
    v_uid := s ->> 'uid';
    v_sid := s ->> 'sid';
    if v_uid is not null and (v_scope = 'user' or v_scope = 'reissue' and v_sid is null) then
      perform from sekisho.tenant_user u where u.tid = v_tid and u.uid = v_uid;
      if not found then return 'not_found'; end if;
    end if;
    if v_sid is not null and v_scope in ('session', 'reissue') then
      perform from sekisho.session o where o.tid = v_tid and o.sid = v_sid and (v_uid is null or o.uid = v_uid);
      if not found then return 'not_found'; end if;
    end if;
    -- That of an acting session was looked up with it (judge_actor).
    if v_tid is not null and p #>> '{actor,kind}' <> 'session' then
      perform from sekisho.tenant t where t.tid = v_tid;
      if not found then return 'not_found'; end if;
    end if;
  end loop;
  return null;
end $$;
