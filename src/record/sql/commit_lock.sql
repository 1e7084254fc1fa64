-- COMMIT, the locks of a whole batch in their one order, so that no two commits wait for each other:
--   1. the making of tenants, where one is made;
--   2. tenants, sorted: shared, or exclusive where a floor of the tenant, its policy, its status or its administrators
--      change;
--   3. users, sorted: acting ones and subjects;
--   4. the head, where anything is revoked.
-- Logins take tenant (shared), user, head in the same order (open_session).
-- Each by its whole key, so that no plan reads more of a table than what is locked, however large the batch is.
--   p_requests  CommitRequest[], as in commit
create or replace function sekisho.commit_lock(p_requests jsonb[]) returns void
  language plpgsql volatile
as $$
declare
  r            jsonb;
  s            jsonb;
  v_tid        text;
  v_uid        text;
  v_exclusive  boolean;
  v_creates    boolean := false;
  v_revokes    boolean := false;
  v_tenants    text[] := '{}';
  v_exclusives boolean[] := '{}';
  -- Users, by tenant and id.
  v_tids       text[] := '{}';
  v_uids       text[] := '{}';
begin
  foreach r in array p_requests loop
    v_tid := r ->> 'tid';
    v_creates := v_creates or r #>> '{change,kind}' is not distinct from 'tenant_create';
    v_exclusive := coalesce(
      r #>> '{change,kind}' in ('policy_put', 'user_delete', 'tenant_patch', 'tenant_delete')
        or r #>> '{change,kind}' = 'user_patch' and r -> 'change' ?| array['roles', 'status'], false);
    v_tids := array_append(v_tids, v_tid);
    v_uids := array_append(v_uids, r #>> '{actor,uid}');
    v_tids := array_append(v_tids, v_tid);
    v_uids := array_append(v_uids, r #>> '{change,uid}');
    for n in 0 .. jsonb_array_length(r -> 'revoke') - 1 loop
      s := r -> 'revoke' -> n;
      v_revokes := true;
      v_exclusive := v_exclusive or s ->> 'scope' = 'tenant';
      v_uid := s ->> 'uid';
      -- A subject that is named by its session alone.
      if v_uid is null and s ->> 'sid' is not null then
        select o.uid into v_uid from sekisho.session o where o.tid = v_tid and o.sid = s ->> 'sid';
      end if;
      v_tids := array_append(v_tids, v_tid);
      v_uids := array_append(v_uids, v_uid);
    end loop;
    if r #>> '{change,sid}' is not null then
      select o.uid into v_uid from sekisho.session o where o.tid = v_tid and o.sid = r #>> '{change,sid}';
      v_tids := array_append(v_tids, v_tid);
      v_uids := array_append(v_uids, v_uid);
    end if;
    if r #>> '{actor,kind}' = 'reset' then
      select p.uid into v_uid from sekisho.password_reset p
       where p.tid = v_tid and p.token_hash = decode(r #>> '{actor,tokenHash}', 'hex');
      v_tids := array_append(v_tids, v_tid);
      v_uids := array_append(v_uids, v_uid);
    end if;
    v_tenants := array_append(v_tenants, v_tid);
    v_exclusives := array_append(v_exclusives, v_exclusive);
  end loop;

  if v_creates then
    perform pg_advisory_xact_lock(6181214, 3);
  end if;

  for v_tid, v_exclusive in
    select k.tid, bool_or(k.exclusive) from unnest(v_tenants, v_exclusives) k (tid, exclusive)
     where k.tid is not null group by k.tid order by k.tid
  loop
    if v_exclusive then
      perform from sekisho.tenant t where t.tid = v_tid for no key update;
    else
      perform from sekisho.tenant t where t.tid = v_tid for share;
    end if;
  end loop;

  for v_tid, v_uid in
    select distinct k.tid, k.uid from unnest(v_tids, v_uids) k (tid, uid)
     where k.tid is not null and k.uid is not null order by k.tid, k.uid
  loop
    perform from sekisho.tenant_user u where u.tid = v_tid and u.uid = v_uid for no key update;
  end loop;

  if v_revokes then
    perform from sekisho.head for no key update;
  end if;
end $$;
