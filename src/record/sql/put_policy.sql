-- Replaces the policy of a tenant, for a while or for good, under its lock: what is there for good stays beneath what is
-- there for a while. Keeps of the policies that were in force before what judged_session must know: a session that came to
-- its end under one of them stays expired, although nobody had come by to write it down.
--   c  a Change `policy_put` (src/record/contract.ts)
-- Result: the policy's version. An override that ended by itself made a version of its own (see policy_version_at).
create or replace function sekisho.put_policy(p_tid text, c jsonb, p_now timestamptz) returns integer
  language plpgsql volatile
as $$
declare
  v_until    timestamptz := sekisho.from_ms((c ->> 'overrideUntilMs')::bigint);
  v_version  integer;
begin
  update sekisho.tenant t
     set policy = case when v_until is null then c -> 'policy' else t.policy end,
         override_policy = case when v_until is not null then c -> 'policy' end,
         override_until = v_until,
         policy_version = sekisho.policy_version_at(t, p_now) + 1,
         (past_absolute_s, past_idle_s, past_until) = (
           select array_agg(k.absolute_s), array_agg(k.idle_s), array_agg(k.until_at)
             from sekisho.past_policies(t, c, p_now) k)
   where t.tid = p_tid
   returning t.policy_version into v_version;
  return v_version;
end $$;
