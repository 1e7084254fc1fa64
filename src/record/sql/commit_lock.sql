-- COMMIT, the locks of a whole batch in their one order, so that no two commits wait for each other:
--   1. the making of tenants, where one is made;
--   2. tenants, sorted: shared, or exclusive where a floor of the tenant, its policy, its status or its administrators
--      change;
--   3. users, sorted: acting ones and subjects;
--   4. the head, where anything is revoked.
-- Logins take tenant (shared), user, head in the same order (open_session).
create or replace function sekisho.commit_lock(p_requests jsonb) returns void
  language plpgsql volatile
as $$
declare
  v_tenant  record;
begin
  if exists (
    select from jsonb_array_elements(p_requests) r where r #>> '{change,kind}' = 'tenant_create'
  ) then
    perform pg_advisory_xact_lock(6181214, 3);
  end if;

  for v_tenant in
    select r ->> 'tid' as tid,
           bool_or(
             r #>> '{change,kind}' in ('policy_put', 'user_delete', 'tenant_patch', 'tenant_delete')
             or (r #>> '{change,kind}' = 'user_patch' and r -> 'change' ?| array['roles', 'status'])
             or exists (select from jsonb_array_elements(r -> 'revoke') s where s ->> 'scope' = 'tenant')
           ) as exclusive
      from jsonb_array_elements(p_requests) r
     where r ->> 'tid' is not null
     group by 1
     order by 1
  loop
    if v_tenant.exclusive then
      perform from sekisho.tenant t where t.tid = v_tenant.tid for no key update;
    else
      perform from sekisho.tenant t where t.tid = v_tenant.tid for share;
    end if;
  end loop;

  perform from sekisho.tenant_user u
    where (u.tid, u.uid) in (
      select r ->> 'tid', i.uid
        from jsonb_array_elements(p_requests) r
       cross join lateral (
         select r #>> '{actor,uid}' as uid
          union all select r #>> '{change,uid}'
          union all select s ->> 'uid' from jsonb_array_elements(r -> 'revoke') s
          -- Subjects that are named by their session alone, and the owner of a reset token.
          union all
         select o.uid from sekisho.session o
          where o.tid = r ->> 'tid'
            and o.sid in (
              select s ->> 'sid' from jsonb_array_elements(r -> 'revoke') s where s ->> 'uid' is null
               union all select r #>> '{change,sid}')
          union all
         select p.uid from sekisho.password_reset p
          where p.tid = r ->> 'tid' and p.token_hash = decode(r #>> '{actor,tokenHash}', 'hex')
       ) i
       where i.uid is not null)
    order by u.tid, u.uid
      for no key update;

  if exists (
    select from jsonb_array_elements(p_requests) r where jsonb_array_length(r -> 'revoke') > 0
  ) then
    perform from sekisho.head for no key update;
  end if;
end $$;
