-- EPOCH: everything a login decides by, read together with the head in one statement. STABLE: it reads by the snapshot
-- of the statement that calls it, and that statement must read nothing else.
--   p_tid           the tenant; null when there is none, and then the answer has the same shape
--   p_uid, p_email  which user: the one that is not null
--   p_now           wall time of the caller, by which the policy is judged
-- Result: LoginFacts, rows as the record has them (see sessions.ts).
create or replace function sekisho.credential_facts(p_tid text, p_uid text, p_email text, p_now timestamptz) returns jsonb
  language sql stable
as $$
  select jsonb_build_object(
           'head', jsonb_build_object('generation', h.generation, 'position', h.position),
           'identity_agrees', h.identity = sekisho.server_identity(),
           'tenant', case when t.tid is not null then sekisho.tenant_json(t) end,
           'policy', case when t.tid is not null then sekisho.policy_at(t, p_now) end,
           'limits', sekisho.override_at('limits', p_now),
           'user', case when u.uid is not null then sekisho.user_json(u) end,
           'password_hash', u.password_hash)
    from sekisho.head h
    left join sekisho.tenant t on t.tid = p_tid
    left join sekisho.tenant_user u
      on u.tid = t.tid
     and u.uid = coalesce(
           p_uid, (select e.uid from sekisho.tenant_user e where e.tid = p_tid and e.email = p_email))
$$;
