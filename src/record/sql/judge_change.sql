-- Whether the change of a request has what it needs: its object, the version that If-Match named, and an administrator who
-- stays. The tenant is locked against any other change of its administrators.
--   p  a CommitRequest, as in commit
-- Result: not_found | precondition_failed | last_administrator | actor_revoked | not_first | too_many_policies; null when it
-- has.
create or replace function sekisho.judge_change(p jsonb) returns text
  language plpgsql volatile
as $$
declare
  -- Past policies of a tenant: each session of it is judged by each, at every refresh.
  c_policies constant integer := 100;
  c          jsonb := p -> 'change';
  v_kind     text := p #>> '{change,kind}';
  v_sid      text := coalesce(p #>> '{change,regenerate,sid}', p #>> '{change,sid}');
  v_version  integer;
  v_state    text;
begin
  -- What it ends along with its entry was looked up with that (judge_subjects).
  if v_kind is null or sekisho.ends_what_it_revokes(p) then return null; end if;

  if v_kind = 'tenant_create' then
    -- Asked across tenants: the role of the new one sees none.
    perform sekisho.take_role(null);
    return case when (c ->> 'onlyFirst')::boolean and exists (select from sekisho.tenant) then 'not_first' end;
  end if;

  if v_kind = 'override_put' and c ? 'replaces' then
    -- Operators take turns at this row (apply_operation): nobody replaces it meanwhile.
    perform from sekisho.operations for update;
    return (
      select 'precondition_failed' where not exists (
        select from sekisho.override o
         where o.id = c ->> 'replaces' and o.kind = c ->> 'override'
           and o.until_at > sekisho.from_ms((p ->> 'nowMs')::bigint)));
  elsif v_kind in ('override_put', 'cleanup_pause') then
    return null;
  elsif v_kind = 'override_end' then
    return (
      select 'not_found' where not exists (
        select from sekisho.override o
         where o.kind = c ->> 'override' and o.node is not distinct from c ->> 'node'
           and (o.until_at is null or o.until_at > sekisho.from_ms((p ->> 'nowMs')::bigint))));
  elsif v_kind in ('policy_put', 'user_create', 'client_create') then
    select sekisho.policy_version_at(t, sekisho.from_ms((p ->> 'nowMs')::bigint)) into v_version from sekisho.tenant t
     where t.tid = c ->> 'tid' and t.status <> 'deleting';
    if not found then return 'not_found'; end if;
  elsif v_kind in ('client_secret', 'client_delete') then
    perform from sekisho.service_client s where s.tid = c ->> 'tid' and s.cid = c ->> 'cid' for update;
    return case when not found then 'not_found' end;
  elsif v_kind in ('tenant_patch', 'tenant_delete') then
    -- What is being deleted can only be deleted on.
    perform from sekisho.tenant t where t.tid = c ->> 'tid' and (t.status <> 'deleting' or v_kind = 'tenant_delete');
    return case when not found then 'not_found' end;
  elsif v_kind = 'session_end' then
    if p #>> '{actor,kind}' in ('token', 'system') then return null; end if;
    if v_sid is not null and not exists (
         select from sekisho.session s where s.tid = c ->> 'tid' and s.sid = v_sid)
       or c ->> 'uid' is not null and not exists (
         select from sekisho.tenant_user u where u.tid = c ->> 'tid' and u.uid = c ->> 'uid')
    then return 'not_found'; end if;
    return null;
  else
    select u.version into v_version from sekisho.tenant_user u where u.tid = c ->> 'tid' and u.uid = c ->> 'uid';
    if not found then return 'not_found'; end if;
  end if;

  if v_version <> (c ->> 'ifVersion')::integer then return 'precondition_failed'; end if;

  -- One that is as short as all that were before implies them, so what makes things stricter is never refused.
  if v_kind = 'policy_put' and (
       select k.kept > c_policies and k.kept > coalesce(cardinality(t.past_until), 0)
         from sekisho.tenant t
        cross join lateral (
          select count(*) as kept from sekisho.past_policies(t, c, sekisho.from_ms((p ->> 'nowMs')::bigint))) k
        where t.tid = c ->> 'tid')
  then return 'too_many_policies'; end if;

  if c ->> 'regenerate' is not null then
    select j.state into v_state from sekisho.judged_session(sekisho.from_ms((p ->> 'nowMs')::bigint)) j
     where j.tid = c ->> 'tid' and j.sid = v_sid and j.uid = c ->> 'uid';
    if v_state is null then return 'not_found'; end if;
    if v_state <> 'active' then return 'actor_revoked'; end if;
  end if;

  if (v_kind = 'user_delete'
      or v_kind = 'user_patch' and (c ->> 'status' = 'disabled' or not coalesce(c -> 'roles' ? 'admin', true)))
     and exists (
       select from sekisho.tenant_user u
        where u.tid = c ->> 'tid' and u.uid = c ->> 'uid' and u.status = 'active' and 'admin' = any (u.roles))
     and not exists (
       select from sekisho.tenant_user u
        where u.tid = c ->> 'tid' and u.uid <> c ->> 'uid' and u.status = 'active' and 'admin' = any (u.roles))
  then return 'last_administrator'; end if;
  return null;
end $$;
