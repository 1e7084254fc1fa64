-- AUTHORITY: the acting session must be alive and pass every floor, its user and tenant must be in order, and its role
-- must still hold. Read by one statement.
--   p_actor  an Actor of kind session
-- Result: actor_revoked | actor_expired | role_lost; null when it may act.
create or replace function sekisho.judge_actor(p_tid text, p_actor jsonb, p_now_ms bigint) returns text
  language plpgsql volatile
as $$
begin
  return (
    select case
        when j.state is distinct from 'active' and j.state is distinct from 'expired' then 'actor_revoked'
        when u.status is distinct from 'active' or t.status is distinct from 'active' then 'actor_revoked'
        when j.state = 'expired' then 'actor_expired'
        when not (coalesce(p_actor ->> 'role' = any (u.roles), true)) then 'role_lost'
      end
      from (select p_tid as tid, p_actor ->> 'uid' as uid, p_actor ->> 'sid' as sid) a
      left join sekisho.judged_session(sekisho.from_ms(p_now_ms)) j
        on j.tid = a.tid and j.sid = a.sid and j.uid = a.uid
      left join sekisho.tenant_user u on u.tid = a.tid and u.uid = a.uid
      left join sekisho.tenant t on t.tid = a.tid);
end $$;
