-- AUTHORITY: the acting session must be alive and pass every floor, its user and tenant must be in order, and its role
-- must still hold.
-- The plan is that of the keys, whatever they are: making one for each call would take longer than the look-ups.
--   p_role  the role that the user must still have; null: none
-- Result: actor_revoked | actor_expired | role_lost; null when it may act.
create or replace function sekisho.judge_actor(p_tid text, p_uid text, p_sid text, p_role text, p_now timestamptz)
  returns text
  language plpgsql volatile
  set plan_cache_mode = force_generic_plan
as $$
declare
  v_state  text;
  v_holds  boolean;
begin
  select j.state into v_state
    from sekisho.judged_session(p_now) j
   where j.tid = p_tid and j.sid = p_sid and j.uid = p_uid;
  if not found or v_state not in ('active', 'expired') then return 'actor_revoked'; end if;

  select p_role is null or p_role = any (u.roles) into v_holds
    from sekisho.tenant_user u
    join sekisho.tenant t on t.tid = u.tid
   where u.tid = p_tid and u.uid = p_uid and u.status = 'active' and t.status = 'active';
  if not found then return 'actor_revoked'; end if;
  return case when v_state = 'expired' then 'actor_expired' when not v_holds then 'role_lost' end;
end $$;
