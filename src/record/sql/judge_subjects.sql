-- What a request revokes must be there: an id of another tenant is answered like one that does not exist. A session that
-- ends itself by its own token gets its entry in any case, and so does what Sekisho itself revokes, since the row may
-- have been lost (UNKNOWN OUTCOME, HAND IN).
--   p  a CommitRequest, as in commit
-- Result: not_found, or null.
create or replace function sekisho.judge_subjects(p jsonb) returns text
  language sql volatile
as $$
  select 'not_found'
   where p #>> '{actor,kind}' not in ('token', 'system')
     and (
       exists (
         select from jsonb_array_elements(p -> 'revoke') s
          where (s ->> 'scope' = 'user' or s ->> 'scope' = 'reissue' and s ->> 'sid' is null)
            and s ->> 'uid' is not null
            and not exists (
              select from sekisho.tenant_user u where u.tid = s ->> 'tid' and u.uid = s ->> 'uid'))
       or exists (
         select from jsonb_array_elements(p -> 'revoke') s
          where s ->> 'scope' in ('session', 'reissue') and s ->> 'sid' is not null
            and not exists (
              select from sekisho.session o
               where o.tid = s ->> 'tid' and o.sid = s ->> 'sid' and o.uid = coalesce(s ->> 'uid', o.uid)))
       or exists (
         select from jsonb_array_elements(p -> 'revoke') s
          where s ->> 'tid' is not null
            and not exists (select from sekisho.tenant t where t.tid = s ->> 'tid')))
$$;
